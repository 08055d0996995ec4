//! Notices, and records that could not be decoded.

use super::escape::Escaped;
use super::model::Model;
use super::quantity;
use super::table::{self, Column::Number, Column::Text};
use std::io::{self, Write};

/// Characters of a failed record's payload that are shown.
const PAYLOAD: usize = 120;

pub(super) fn render(out: &mut dyn Write, model: &Model) -> io::Result<()> {
    if model.notice_count > 0 {
        writeln!(out, "<section id=\"notices\">\n<h2>Notices</h2>")?;
        more(out, model.notices.len(), model.notice_count)?;
        table::open(out, "Notices", "", &[Text("Time (UTC)"), Text("Kind"), Text("Message")])?;
        for notice in &model.notices {
            let time = notice.time.map_or("–".to_owned(), quantity::minute);
            let (kind, message) = (Escaped(&notice.kind), Escaped(&notice.message));
            writeln!(out, "<tr><td>{time}</td><td>{kind}</td><td class=\"wide\">{message}</td></tr>")?;
        }
        table::close(out)?;
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

fn more(out: &mut dyn Write, shown: usize, count: u64) -> io::Result<()> {
    if count > shown as u64 {
        writeln!(out, "<p class=\"note\">The first {shown} of {}.</p>", quantity::count(count))?;
    }
    Ok(())
}
