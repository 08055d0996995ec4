//! Notices, and records that could not be decoded.

use super::escape::Escaped;
use super::model::Model;
use super::notice::{Kind, Notice};
use super::quantity;
use super::table::{self, Column::Number, Column::Text};
use std::io::{self, Write};

/// Characters of a failed record's payload that are shown.
const PAYLOAD: usize = 120;

pub(super) fn render(out: &mut dyn Write, model: &Model) -> io::Result<()> {
    if model.notices.count() > 0 {
        writeln!(out, "<section id=\"notices\">\n<h2>Notices</h2>")?;
        for (name, kind) in model.notices.kinds() {
            notices(out, name, kind)?;
        }
        out.write_all(b"</section>\n")?;
    }
    if model.failed_count > 0 {
        writeln!(out, "<section id=\"failed\">\n<h2>Failed records</h2>")?;
        more(out, model.failed.len(), model.failed_count)?;
        let columns = [Text("Layer"), Number("Offset"), Text("Reason"), Text("Payload (base64)")];
        table::open(out, "Failed records", "", &columns)?;
        for failed in &model.failed {
            let shown: String = failed.payload.chars().take(PAYLOAD).collect();
            let cut = if shown.len() < failed.payload.len() { "…" } else { "" };
            writeln!(
                out,
                "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"wide\">{}</td>\
                 <td class=\"id wide\">{}{cut}</td></tr>",
                Escaped(&failed.layer),
                Escaped(&failed.offset),
                Escaped(&failed.reason),
                Escaped(&shown)
            )?;
        }
        table::close(out)?;
        out.write_all(b"</section>\n")?;
    }
    Ok(())
}

/// Notices of a kind: the newest in words, all of them folded.
fn notices(out: &mut dyn Write, name: &str, kind: &Kind) -> io::Result<()> {
    let Some(last) = kind.kept.last() else { return Ok(()) };
    let time = |notice: &Notice| notice.time.map_or("–".to_owned(), quantity::minute);
    write!(out, "<div class=\"notice\"><p><strong>{}</strong> <span class=\"sub\">{}", Escaped(name), time(last))?;
    if kind.count > 1 {
        write!(out, ", the last of {}", quantity::count(kind.count))?;
        if kind.counted > 0 {
            write!(out, ", {} in all", quantity::count(kind.counted))?;
        }
    }
    writeln!(out, "</span><br>{}</p>", Escaped(&last.message))?;
    if kind.count > 1 {
        writeln!(out, "<details><summary>All {}</summary>", quantity::counted(kind.count, "notice"))?;
        if kind.count > kind.kept.len() as u64 {
            let left_out = kind.count - kind.kept.len() as u64;
            writeln!(out, "<p class=\"note\">{} in the middle left out.</p>", quantity::count(left_out))?;
        }
        table::open(out, "Notices", "", &[Text("Time (UTC)"), Text("Message")])?;
        for notice in &kind.kept {
            writeln!(out, "<tr><td>{}</td><td class=\"wide\">{}</td></tr>", time(notice), Escaped(&notice.message))?;
        }
        table::close(out)?;
        out.write_all(b"</details>\n")?;
    }
    out.write_all(b"</div>\n")
}

fn more(out: &mut dyn Write, shown: usize, count: u64) -> io::Result<()> {
    if count > shown as u64 {
        writeln!(out, "<p class=\"note\">The first {shown} of {}.</p>", quantity::count(count))?;
    }
    Ok(())
}
