//! What is said when a goroutine has overflowed its stack.

use std::fmt::Write;
use std::io;

use marmot_coro::overflow::{self, Fault, Report};

use super::current;

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
    // A report cannot fail: it has nobody to tell.
    let _ = write!(
        report,
        "\n{g} has overflowed its stack of {size} bytes\n\
         marmot: give it more: Builder::stack_size({}), or RuntimeBuilder::stack_size for all\n",
        size * 2,
    );
}
