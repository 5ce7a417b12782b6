//! Linux: the dynamic linker says what it has loaded (`dl_iterate_phdr(3)`).

use std::ffi::{CStr, c_int, c_void};
use std::path::PathBuf;

use super::{Object, Segment};

/// The type of the note that holds a build id (`NT_GNU_BUILD_ID`), and who defines it.
const BUILD_ID: (u32, &[u8]) = (3, b"GNU\0");

/// All files that the program has loaded, the executable first.
pub fn objects() -> Vec<Object> {
    let mut objects: Vec<Object> = Vec::new();
    // SAFETY: the callback has the required signature, and takes the pointer for what it is, a vector that outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut objects).cast()) };
    objects
}

/// Has the forks of this process call `before`, and then one of the others. There may be no memory for that; then they do not.
pub fn around_fork(before: extern "C" fn(), in_parent: extern "C" fn(), in_child: extern "C" fn()) {
    let [before, in_parent, in_child]: [unsafe extern "C" fn(); 3] = [before, in_parent, in_child];
    // SAFETY: all can be called at any time, by any thread, and stay: this code is not unloaded before the process ends.
    unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
}

/// Adds the object that `info` describes to the vector `objects`.
///
/// # Safety
///
/// Both point to what their names say, and nobody else uses the vector.
unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _size: usize, objects: *mut c_void) -> c_int {
    // SAFETY: the caller promises it.
    let (info, objects) = unsafe { (&*info, &mut *objects.cast::<Vec<Object>>()) };
    if info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: the linker gives this many headers, and holds its lock while it calls.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let bias = info.dlpi_addr as usize;
    let code = headers.iter().filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0);
    let segments = code.map(|header| {
        let start = bias.wrapping_add(header.p_vaddr as usize);
        Segment { start, end: start.wrapping_add(header.p_memsz as usize), offset: header.p_offset as usize }
    });
    let (name, path) = names(info.dlpi_name, objects.is_empty());
    let notes = headers.iter().filter(|header| header.p_type == libc::PT_NOTE).map(|header| {
        // SAFETY: notes are a part of what is loaded, for the linker itself reads them there.
        unsafe {
            std::slice::from_raw_parts(bias.wrapping_add(header.p_vaddr as usize) as *const u8, header.p_memsz as usize)
        }
    });
    let build_id = notes.filter_map(build_id).next().unwrap_or_default();
    objects.push(Object { name, path, bias, segments: segments.collect(), build_id });
    0
}

/// What an object is called, and where its contents are. The executable has no name here.
fn names(name: *const libc::c_char, is_first: bool) -> (String, PathBuf) {
    let given = if name.is_null() {
        String::new()
    } else {
        // SAFETY: the linker's names are strings of C, which live as long as the object is loaded.
        unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
    };
    if given.is_empty() && is_first {
        // What runs is there even if the file has been replaced since.
        let path = PathBuf::from("/proc/self/exe");
        let name = std::env::current_exe().unwrap_or_else(|_| path.clone());
        return (name.to_string_lossy().into_owned(), path);
    }
    let path = PathBuf::from(&given);
    (given, path)
}

/// The build id among the notes, which are: three numbers (the lengths of a name and a text, a type), the name, the text.
fn build_id(mut notes: &[u8]) -> Option<String> {
    let number = |bytes: &[u8]| bytes.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
    loop {
        let (name_len, text_len) = (number(notes)? as usize, number(notes.get(4..)?)? as usize);
        let kind = number(notes.get(8..)?)?;
        let name = notes.get(12..)?.get(..name_len)?;
        let rest = notes.get(12 + name_len.next_multiple_of(4)..)?;
        let text = rest.get(..text_len)?;
        if (kind, name) == BUILD_ID {
            return Some(text.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        notes = rest.get(text_len.next_multiple_of(4)..)?;
    }
}
