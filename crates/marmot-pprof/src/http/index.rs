//! The page that lists the profiles.

use std::fmt::Write;

use super::{Page, Source};

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<title>/debug/pprof/</title>
<style>
body { font-family: sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
th, td { text-align: left; vertical-align: top; padding: 0.2em 1em 0.2em 0; }
td.count { text-align: right; }
</style>
</head>
<body>
<h1>/debug/pprof/</h1>
<table>
<tr><th>Count</th><th>Profile</th><th>Text</th><th>What it says</th></tr>
";

const TAIL: &str = "</table>
<p>A profile is a file for <code>go tool pprof</code>, which also fetches it from here. With <code>?seconds=N</code> it is about
what happens in that time only. <code>marmot profile advise</code> says what of <code>allocs</code> would be worth a pool.</p>
</body>
</html>
";

/// The page.
pub fn page(pages: &[Page]) -> String {
    let mut html = HEAD.to_owned();
    for page in pages {
        let count = page.count.as_ref().map(|count| count().to_string()).unwrap_or_default();
        let (name, description) = (escaped(page.name), escaped(page.description));
        let text = match (&page.source, &page.text) {
            (Source::Recording(_), None) => String::new(),
            (_, None) => format!("<a href=\"{name}?debug=1\">text</a>"),
            // What has texts of its own has more than one.
            (_, Some(_)) => format!("<a href=\"{name}?debug=1\">text</a>, <a href=\"{name}?debug=2\">in full</a>"),
        };
        let _ = writeln!(
            html,
            "<tr><td class=\"count\">{count}</td><td><a href=\"{name}\">{name}</a></td><td>{text}</td><td>{description}</td></tr>"
        );
    }
    html.push_str(
        "<tr><td></td><td><a href=\"cmdline\">cmdline</a></td><td></td><td>The program's arguments.</td></tr>\n",
    );
    html.push_str(TAIL);
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
