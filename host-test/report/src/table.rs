//! Tables that scroll sideways by themselves, so that the page never has to.

use super::escape::Escaped;
use std::io::{self, Write};

/// The head of a column.
#[derive(Clone, Copy)]
pub(super) enum Column<'a> {
    Text(&'a str),
    /// Aligned to the right.
    Number(&'a str),
}

/// Opens a table. `label` names the region for screen readers: it can be reached and scrolled by keyboard.
pub(super) fn open(out: &mut dyn Write, label: &str, caption: &str, columns: &[Column]) -> io::Result<()> {
    let class = label.to_lowercase().replace(' ', "-");
    write!(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\">")?;
    writeln!(out, "<table class=\"{class}\">")?;
    if !caption.is_empty() {
        writeln!(out, "<caption>{caption}</caption>")?;
    }
    out.write_all(b"<thead><tr>")?;
    for column in columns {
        match column {
            Column::Text(name) => write!(out, "<th>{}</th>", Escaped(name))?,
            Column::Number(name) => write!(out, "<th class=\"n\">{}</th>", Escaped(name))?,
        }
    }
    out.write_all(b"</tr></thead>\n<tbody>\n")
}

pub(super) fn close(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"</tbody>\n</table></div>\n")
}
