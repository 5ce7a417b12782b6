//! Lines of code, counted from the sources themselves, so that the figure is never stale.

use super::Era;

const BEGIN: &str = "// handler: begin";
const END: &str = "// handler: end";

/// The lines of an era's handler: those between its markers that hold code, so neither blank ones nor comments.
pub fn of_handler(era: Era) -> usize {
    let source = match era {
        Era::Process => include_str!("process.rs"),
        Era::Thread => include_str!("thread.rs"),
        Era::Epoll => include_str!("epoll.rs"),
        Era::Goroutine => include_str!("goroutine.rs"),
    };
    count(source)
}

fn count(source: &str) -> usize {
    let lines = source.lines().map(str::trim);
    let handler = lines.skip_while(|&line| line != BEGIN).skip(1).take_while(|&line| line != END);
    handler.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_and_comments_do_not_count() {
        let source =
            "use a;\n// handler: begin\nfn a() {\n\n    // why\n    b(); // how\n}\n// handler: end\nfn c() {}\n";
        assert_eq!(count(source), 3);
    }

    #[test]
    fn every_handler_has_its_markers() {
        for era in Era::ALL {
            assert!(of_handler(era) > 5, "{era:?}");
        }
    }
}
