//! Windows for whoever watches, whether or not they are asked for as events.
//!
//! The component is told to tell of windows, and what it tells of them goes to the watcher; of the events only what the configuration
//! asks for goes on. So the output is the same, byte for byte, as if nobody watched.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Value, json};

/// Sees lines that are `window` events.
pub type Watcher = Arc<dyn Fn(&[u8]) + Send + Sync>;

const WINDOW: &[u8] = b"{\"type\":\"window\",";

/// A watcher, and what the configuration asks for.
pub(super) struct Watched {
    pub(super) watcher: Watcher,
    /// Whether windows are asked for as events, too.
    pub(super) is_asked_for: bool,
}

impl Watched {
    /// Writes events, and shows the windows among them.
    pub(super) fn write(&self, events: &[u8], out: &mut dyn Write) -> io::Result<()> {
        for (is_window, run) in runs(events) {
            if is_window {
                (self.watcher)(run);
            }
            if !is_window || self.is_asked_for {
                out.write_all(run)?;
            }
        }
        Ok(())
    }
}

/// Events cut into runs of lines that are windows, and of others.
pub fn runs(events: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    let mut rest = events;
    std::iter::from_fn(move || {
        let is_window = rest.starts_with(WINDOW);
        let ends = memchr::memchr_iter(b'\n', rest).map(|end| end + 1);
        let mut changes = ends.filter(|end| rest[*end..].starts_with(WINDOW) != is_window);
        let (run, after) = rest.split_at(changes.next().unwrap_or(rest.len()));
        rest = after;
        (!run.is_empty()).then_some((is_window, run))
    })
}

/// The configuration with windows as events, and whether it asks for them by itself. In record mode there are none; and what is no
/// configuration stays as it is: the component says what is wrong.
pub fn with_windows(config: &str) -> (String, bool) {
    let mut value =
        if config.trim().is_empty() { json!({}) } else { serde_json::from_str(config).unwrap_or(Value::Null) };
    // Those with traffic only are told as they are, and the page has these.
    let is_asked_for = [json!(true), json!("traffic")].contains(&value["series"]["windows"]);
    let is_record_mode = value["mode"] == "record";
    if let Some(members) = value.as_object_mut().filter(|_| !is_asked_for && !is_record_mode)
        && let Some(series) = members.entry("series").or_insert_with(|| json!({})).as_object_mut()
    {
        series.insert("windows".into(), true.into());
        return (value.to_string(), false);
    }
    (config.to_owned(), is_asked_for)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn windows_are_seen_and_only_those_asked_for_go_on() {
        let (window, other) = ("{\"type\":\"window\",\"n\":1}\n", "{\"type\":\"notice\"}\n");
        let events = [window, window, other, window, other].concat();
        for is_asked_for in [false, true] {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let sees = seen.clone();
            let watched =
                Watched { watcher: Arc::new(move |lines| sees.lock().unwrap().extend_from_slice(lines)), is_asked_for };
            let mut out = Vec::new();
            watched.write(events.as_bytes(), &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), if is_asked_for { events.clone() } else { other.repeat(2) });
            assert_eq!(*seen.lock().unwrap(), window.repeat(3).into_bytes());
        }
    }

    #[test]
    fn a_configuration_is_told_to_have_windows() {
        for (config, with, is_asked_for) in [
            ("", r#"{"series":{"windows":true}}"#, false),
            (r#"{"series":{"window":60,"windows":false}}"#, r#"{"series":{"window":60,"windows":true}}"#, false),
            (r#"{"series": {"windows": true}}"#, r#"{"series": {"windows": true}}"#, true),
            (r#"{"series":{"windows":"traffic"}}"#, r#"{"series":{"windows":"traffic"}}"#, true),
            (r#"{"mode":"record"}"#, r#"{"mode":"record"}"#, false),
            (r#"{"series":7}"#, r#"{"series":7}"#, false),
            ("no configuration", "no configuration", false),
        ] {
            assert_eq!(with_windows(config), (with.to_owned(), is_asked_for), "{config}");
        }
    }
}
