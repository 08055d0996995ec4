//! Any bytes as flow log lines under any format: an outcome, never a panic, and what is written is JSON.
//!
//! Input: a format on the first line, then lines; each is taken as a line, as an event's message and as an object.

#![no_main]

use flowscore::flow::{Format, Formats, Parsed, Parser};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|&byte| byte == b'\n');
    let format = lines.next().and_then(|line| std::str::from_utf8(line).ok()).and_then(|text| Format::parse(text).ok());
    let mut candidates: Vec<Format> = format.into_iter().collect();
    candidates.extend(Formats::default().candidates().iter().cloned());
    let mut parser = Parser::new(Formats::new(candidates));
    for line in lines {
        check(parser.line(line).ok());
        check(parser.event(line, Some(line)).ok());
        check(parser.object(line).map(Parsed::Record).ok());
    }
});

fn check(parsed: Option<Parsed<'_>>) {
    if let Some(record) = parsed.and_then(Parsed::record) {
        let mut out = b"{".to_vec();
        record.write_members(&mut out);
        out.push(b'}');
        assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok(), "{}", String::from_utf8_lossy(&out));
    }
}
