//! Any bytes as Fluent Bit records: an answer that is JSON or none, never a panic. And lines in records of one kind come to
//! the same as the component's payloads, however they are read.

#![no_main]

use flowscore::config::Config;
use flowscore::fluent_bit::{Fate, Filter};
use flowscore::pipeline::Scorer;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

const CONFIGS: [&str; 3] =
    ["{}", r#"{"series":{"by":["dstport"],"windows":true}}"#, r#"{"fluent_bit":{"mode":"events"}}"#];

fn filter(filter: &mut Filter, record: &[u8]) {
    let mut out = Vec::new();
    let fate = filter.filter(b"vpc", 1_700_000_000_000, record, &mut out);
    assert!(fate == Fate::Goes || out.is_empty(), "an answer that does not go");
    if fate == Fate::Goes {
        // Numbers beyond the range of floating point are JSON, and go on as they came.
        serde_json::from_slice::<IgnoredAny>(&out)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out)));
        assert!(
            std::str::from_utf8(&out)
                .is_ok_and(|text| text.trim_start().starts_with('{') && text.contains("\"flowscore\":{"))
        );
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = data.split_first() else { return };
    let config = CONFIGS[usize::from(*choice) % CONFIGS.len()];
    let parse = || Config::parse(config).expect("the configuration is right");
    let (mut raw, mut lines, mut component) = (Filter::new(parse()), Filter::new(parse()), Scorer::with(parse()));
    for record in data.split(|byte| *byte == b'\n') {
        filter(&mut raw, record);
        let Ok(text) = std::str::from_utf8(record) else { continue };
        filter(&mut lines, serde_json::json!({ "log": text }).to_string().as_bytes());
        component.transform(record, None, &mut Vec::new());
    }
    assert_eq!(lines.totals(), component.totals());
    assert!(lines.snapshot() == component.snapshot(), "something else was learned");
});
