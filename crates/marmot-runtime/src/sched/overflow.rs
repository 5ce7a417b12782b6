//! What is said when a goroutine has overflowed its stack.

use std::fmt::Write;
use std::io;

use marmot_coro::overflow::{self, Fault, Report};

use super::current;

/// What a program wrote above the function that a goroutine runs: there it says how large the stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Attribute {
    None,
    Main,
    Test,
}

/// Notes that the calling goroutine runs the function below an attribute.
pub(crate) fn note_attribute(attribute: Attribute) {
    if let Some(gp) = current::gp() {
        // SAFETY: the goroutine that runs on this thread has a head.
        unsafe { gp.as_ref() }.head().attribute.set(attribute);
    }
}

/// Installs the report. Later calls change nothing.
pub(super) fn install() -> io::Result<()> {
    // SAFETY: `report` reads thread-locals without destructors and the running goroutine's head,
    // which is not changed while it runs, and formats into the report's own buffer.
    unsafe { overflow::install(report) }
}

fn report(report: &mut Report<'_>, fault: Fault) {
    let Some(gp) = current::gp() else {
        overflow::describe(report, fault);
        return;
    };
    // SAFETY: the goroutine that runs on this thread has a head.
    let g = unsafe { gp.as_ref() }.head();
    let size = fault.stack_size();
    let more = size * 2;
    // A report cannot fail: it has nobody to tell.
    let _ = write!(report, "\n{g} has overflowed its stack of {size} bytes\nmarmot: give it more: ");
    let _ = match g.attribute.get() {
        Attribute::None => {
            writeln!(report, "Builder::stack_size({more}), or RuntimeBuilder::stack_size for all")
        }
        Attribute::Main => writeln!(report, "#[marmot::main(stack_size = {more})]"),
        Attribute::Test => writeln!(report, "#[marmot::test(stack_size = {more})]"),
    };
}
