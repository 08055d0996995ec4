//! Any bytes as flow log lines under any format: an outcome, never a panic; what is written is JSON; and the quick way of
//! a line gives the same as the general one.
//!
//! Input: a format on the first line, then lines; each is taken as a line, as an event's message and as an object.

#![no_main]

use flowscore::config::Config;
use flowscore::flow::{Format, Formats, Parsed, Parser};
use flowscore::pipeline::{Decoder, Outcome};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|&byte| byte == b'\n');
    let format = lines.next().and_then(|line| std::str::from_utf8(line).ok()).and_then(|text| Format::parse(text).ok());
    let candidates: Vec<Format> = format.into_iter().chain(Formats::default().candidates().iter().cloned()).collect();
    let texts: Vec<String> = candidates.iter().map(Format::to_string).collect();
    let config = serde_json::json!({ "input": { "format": texts, "records": "flow" } }).to_string();
    let config = Config::parse(&config).expect("formats that were compiled before");
    let mut parser = Parser::new(Formats::new(candidates));
    for line in lines {
        parser.reset();
        let parsed = parser.line(line).ok();
        let written = parsed.and_then(Parsed::record).map(|record| json(|out| record.write_members(out)));
        // As a payload, the same; if it can be no other layer (a dot is not in base64) and no other envelope.
        if line.first().is_some_and(u8::is_ascii_digit) && line.contains(&b'.') && line.trim_ascii_end() == line {
            let outcome = Decoder::new(&config).decode(line, None);
            if let (Some(written), Outcome::Ok(lines, _)) = (written, outcome) {
                assert_eq!(String::from_utf8_lossy(&lines), String::from_utf8_lossy(&written) + "\n");
            }
        }
        let event = parser.event(line, Some(line)).ok().and_then(Parsed::record);
        event.map(|record| json(|out| record.write_members(out)));
        parser.object(line).ok().map(|record| json(|out| record.write_members(out)));
    }
});

fn json(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = b"{".to_vec();
    write(&mut out);
    out.push(b'}');
    assert!(serde_json::from_slice::<IgnoredAny>(&out).is_ok(), "{}", String::from_utf8_lossy(&out));
    out
}
