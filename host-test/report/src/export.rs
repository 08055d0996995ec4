//! The incidents as data inside the page, for its script to export.

use super::View;
use super::incident::place;
use super::sentence;
use serde_json::json;
use std::io::{self, Write};

/// Incidents that are exported with everything; of others what is a list is left out.
const MOST_WHOLE: usize = 150;
/// Incidents that are exported.
const MOST: usize = 1_100;

/// Writes them as a block that no browser runs.
pub(super) fn render(out: &mut dyn Write, view: &View) -> io::Result<()> {
    let model = view.model;
    out.write_all(b"<script type=\"application/json\" id=\"data\">[")?;
    let incidents = model.incidents.iter().enumerate().map(|(index, incident)| {
        let name = view.names.of(&incident.series);
        (
            format!("incident-{}", incident.place(index)),
            &incident.event,
            name,
            sentence::of_incident(incident, view.names),
        )
    });
    let groups = model.groups.iter().enumerate().map(|(index, group)| {
        (format!("group-{}", place(&group.id, index)), &group.event, None, sentence::of_group(group))
    });
    for (at, (place, event, name, sentence)) in
        groups.chain(incidents).filter(|(_, event, ..)| !event.is_null()).take(MOST).enumerate()
    {
        let mut event = event.clone();
        if at >= MOST_WHOLE
            && let Some(members) = event.as_object_mut()
        {
            members.retain(|_, member| !member.is_array());
        }
        let item = json!({"n": place, "name": name, "sentence": sentence, "event": event}).to_string();
        // Inside JSON `<` stands in texts only.
        write!(out, "{}{}", if at > 0 { ",\n" } else { "" }, item.replace('<', "\\u003c"))?;
    }
    out.write_all(b"]</script>\n")
}
