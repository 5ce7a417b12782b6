//! Whose a frame is: the program's own, a library's, or the language's.

use std::borrow::Cow;
use std::collections::HashMap;

use super::cut;
use crate::proto;
use crate::raw::GROWTH;

/// Where package managers of both languages keep what others have written.
const LIBRARIES: [&str; 4] = ["/registry/src/", "/git/checkouts/", "/pkg/mod/", "/vendor/"];

/// The frames of a profile.
pub struct Origins<'a> {
    profile: &'a proto::Profile,
    locations: HashMap<u64, &'a proto::Location>,
    functions: HashMap<u64, &'a proto::Function>,
    /// Where Go's own packages are, if it is a profile of Go's.
    go_root: Option<String>,
}

/// Function, file and line. Names are borrowed where they can be: a profile may have one that is long, and many lines there.
pub type Line<'a> = (Cow<'a, str>, &'a str, i64);

/// Where a sample was allocated.
pub struct Place<'a> {
    /// The line.
    pub site: Line<'a>,
    /// The innermost function.
    pub via: Cow<'a, str>,
    /// It replaced a smaller buffer.
    pub grows: bool,
}

impl<'a> Origins<'a> {
    /// Those of a profile.
    pub fn new(profile: &'a proto::Profile) -> Origins<'a> {
        let functions: HashMap<u64, &proto::Function> = profile.function.iter().map(|f| (f.id, f)).collect();
        // Every profile of Go's has stacks that begin in its runtime.
        let go_root = profile.function.iter().find_map(|function| {
            let is_runtime = profile.text(function.name).starts_with("runtime.");
            let folder = profile.text(function.filename).split_once("/src/runtime/").filter(|_| is_runtime);
            folder.map(|(root, _)| format!("{root}/src/"))
        });
        let locations = profile.location.iter().map(|location| (location.id, location)).collect();
        Origins { profile, locations, functions, go_root }
    }

    /// Whether the profile is of a program in Go.
    pub fn is_go(&self) -> bool {
        self.go_root.is_some()
    }

    /// Where a sample was allocated: the innermost frame of the program's own, or the innermost of all if there is none.
    pub fn place(&self, sample: &proto::Sample) -> Place<'a> {
        let profile = self.profile;
        let locations = sample.location_id.iter().filter_map(|id| self.locations.get(id).copied());
        let mut frames = locations.flat_map(|location| {
            let address = location.line.is_empty().then(|| (Cow::Owned(format!("{:#x}", location.address)), "", 0));
            let lines = location.line.iter().map(|line| {
                let function = self.functions.get(&line.function_id);
                let name = function.map_or("", |function| profile.text(function.name));
                let file = function.map_or("", |function| profile.text(function.filename));
                (Cow::Borrowed(name), file, line.line)
            });
            address.into_iter().chain(lines)
        });
        let mut grows = sample.label.iter().any(|l| (profile.text(l.key), profile.text(l.str)) == GROWTH);
        let Some(innermost) = frames.next() else {
            let none = Cow::Borrowed("(no stack)");
            return Place { site: (none.clone(), "", 0), via: none, grows };
        };
        let via = innermost.0.clone();
        let mut has_grown = false;
        let own = std::iter::once(innermost.clone()).chain(frames).find(|(function, file, _)| {
            let is_own = self.is_own(function, file);
            has_grown |= !is_own && cut::is_growth(std::iter::once(&**function));
            is_own
        });
        grows |= has_grown && own.is_some();
        Place { site: own.unwrap_or(innermost), via, grows }
    }

    fn is_own(&self, function: &str, file: &str) -> bool {
        let is_go = self.go_root.as_ref().is_some_and(|root| file.starts_with(root));
        let is_library = LIBRARIES.iter().any(|folder| file.contains(folder));
        !(is_go || is_library || file.is_empty() || cut::is_std_of(function, file) || cut::is_marmot(function))
    }
}
