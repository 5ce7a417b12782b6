//! Addresses to functions, files and lines, from what the program's own files say about themselves.
//!
//! The executable and its shared objects are mapped when the first address in them is asked for, and stay so; what has been
//! found is kept for later profiles. When the program has loaded or unloaded something since, all is looked up anew.
//!
//! Lines and inlined calls need line tables in the file: `debug = "line-tables-only"` in the profile of Cargo that the
//! program is built with. Without them, functions have names only, and inlined ones are not seen. Line tables have no paths of
//! functions that were inlined: these get the path of the module that their file is. `debug = "limited"` has them whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use addr2line::{Loader, demangle_auto};

use crate::alloc::quietly;
use crate::sys::{self, Object};

/// A call at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The function as people read it: demangled, without a hash.
    pub function: Arc<str>,
    /// The function as the linker knows it.
    pub symbol: Arc<str>,
    /// The file, as the compiler has noted it; empty if that is not known.
    pub file: Arc<str>,
    /// The line, or 0.
    pub line: u32,
    /// How far the address is behind the beginning of the function that was really called.
    pub offset: usize,
}

/// The calls at an address, the innermost first: inlined ones, and last the function that they are in.
///
/// An address that belongs to no known function has none.
///
/// # Blocking
///
/// M, while files are read: a few milliseconds for the first address in a file, microseconds for others.
///
/// # Examples
///
/// ```
/// #[inline(never)]
/// fn somewhere() -> u32 {
///     std::hint::black_box(17)
/// }
///
/// let frames = marmot_pprof::symbols::resolve(somewhere as fn() -> u32 as usize);
/// # if cfg!(target_os = "linux") {
/// let last = frames.last().expect("it is a function of this program");
/// assert!(last.function.ends_with("somewhere"));
/// # }
/// ```
pub fn resolve(address: usize) -> Arc<[Frame]> {
    quietly(|| Symbols::lock().resolve(address))
}

/// All that is known.
pub(crate) struct Symbols {
    files: Vec<File>,
    found: HashMap<usize, Arc<[Frame]>>,
    /// Each text once.
    texts: HashMap<String, Arc<str>>,
}

struct File {
    object: Object,
    contents: Contents,
}

enum Contents {
    Unread,
    Unreadable,
    Read(Box<Loader>),
}

static SYMBOLS: Mutex<Option<Symbols>> = Mutex::new(None);

/// The right to look up, for a whole profile.
pub(crate) struct Lookup(MutexGuard<'static, Option<Symbols>>);

impl Symbols {
    /// Waits for others who look up, and sees what the program has loaded now.
    pub fn lock() -> Lookup {
        // Whoever panicked in here has left a cache that is whole.
        let mut guard = SYMBOLS.lock().unwrap_or_else(PoisonError::into_inner);
        let now = sys::objects();
        if !guard.as_ref().is_some_and(|known| known.files.iter().map(|file| &file.object).eq(&now)) {
            let files = now.into_iter().map(|object| File { object, contents: Contents::Unread }).collect();
            *guard = Some(Symbols { files, found: HashMap::new(), texts: HashMap::new() });
        }
        Lookup(guard)
    }

    fn resolve(&mut self, address: usize) -> Arc<[Frame]> {
        if let Some(frames) = self.found.get(&address) {
            return frames.clone();
        }
        let mut raw = Vec::new();
        let contains = |file: &File| file.object.segments.iter().any(|part| (part.start..part.end).contains(&address));
        if let Some(file) = self.files.iter_mut().find(|file| contains(file)) {
            let in_file = address.wrapping_sub(file.object.bias) as u64;
            if let Some(loader) = file.loader() {
                raw = calls(loader, in_file);
            }
        }
        let frames: Arc<[Frame]> = raw
            .into_iter()
            .map(|call| Frame {
                function: self.text(readable(&call)),
                symbol: self.text(call.symbol),
                file: self.text(call.file),
                line: call.line,
                offset: call.offset,
            })
            .collect();
        self.found.insert(address, frames.clone());
        frames
    }

    fn text(&mut self, text: String) -> Arc<str> {
        self.texts.entry(text).or_insert_with_key(|text| text.as_str().into()).clone()
    }
}

impl Lookup {
    /// As the function of that name.
    pub fn resolve(&mut self, address: usize) -> Arc<[Frame]> {
        self.0.as_mut().map_or_else(|| Arc::new([]) as Arc<[Frame]>, |symbols| symbols.resolve(address))
    }

    /// What the program has loaded.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.0.iter().flat_map(|symbols| symbols.files.iter().map(|file| &file.object))
    }
}

impl File {
    fn loader(&mut self) -> Option<&Loader> {
        if matches!(self.contents, Contents::Unread) {
            let loader = Loader::new(&self.object.path);
            self.contents = loader.map_or(Contents::Unreadable, |loader| Contents::Read(Box::new(loader)));
        }
        match &self.contents {
            Contents::Read(loader) => Some(loader),
            _ => None,
        }
    }
}

/// A call, before its texts are shared.
struct Call {
    symbol: String,
    file: String,
    line: u32,
    offset: usize,
}

/// The calls at an address of a file.
fn calls(loader: &Loader, address: u64) -> Vec<Call> {
    let symbol = loader.find_symbol_info(address);
    let offset = symbol.as_ref().map_or(0, |symbol| address.saturating_sub(symbol.address()) as usize);
    let mut calls = Vec::new();
    if let Ok(mut frames) = loader.find_frames(address) {
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
            let place = frame.location;
            calls.push(Call {
                symbol: name.unwrap_or_default().into_owned(),
                file: place.as_ref().and_then(|place| place.file).unwrap_or_default().to_owned(),
                line: place.and_then(|place| place.line).unwrap_or(0),
                offset,
            });
        }
    }
    if let Some(symbol) = symbol {
        if calls.is_empty() {
            calls.push(Call { symbol: String::new(), file: String::new(), line: 0, offset });
        }
        // The function that was really called is a symbol, and those have their paths.
        calls.last_mut().expect("there is at least that one").symbol = symbol.name().to_owned();
    }
    calls
}

/// A call's function as people read it.
fn readable(call: &Call) -> String {
    let name = demangle_auto((&*call.symbol).into(), None);
    let has_path = name.contains("::") && name.split('<').next().is_some_and(|path| path.contains("::"));
    match module_of(&call.file) {
        Some(module) if !has_path && !name.starts_with('<') && name == call.symbol && call.file.ends_with(".rs") => {
            format!("{module}::{name}")
        }
        _ => name.into_owned(),
    }
}

/// The path of the module that a file usually is: `…/server-1.2.3/src/net/mod.rs` is `server::net`.
fn module_of(file: &str) -> Option<String> {
    let mut parts: Vec<&str> = file.strip_suffix(".rs")?.split('/').collect();
    let folder = parts.iter().rposition(|part| ["src", "tests", "benches", "examples", "bin"].contains(part))?;
    let mut module = parts.split_off(folder + 1);
    if module.len() > 1 || parts[folder] == "src" {
        module.pop_if(|last| ["mod", "lib", "main"].contains(last));
    }
    if parts[folder] == "src" {
        let package = parts.get(folder.checked_sub(1)?)?;
        // Behind the last hyphen stands the version, in a folder of a registry.
        let name = match package.rsplit_once('-') {
            Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => name,
            _ => package,
        };
        module.insert(0, name);
    }
    Some(module.join("::").replace('-', "_")).filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests;
