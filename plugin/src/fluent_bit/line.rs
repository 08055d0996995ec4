//! Plain flow log lines straight into window mode, as [`flat_object`](super::flat_object) takes objects.
//!
//! What is not that plain is left to the ordinary way, which comes to the same wherever both work.
//!
//! Gain, with [`line_tokens`](super::line_tokens): 5,850 instead of 7,450 instructions for a record, decoded and put in its
//! window (`cargo bench --bench fluent_bit`).

use super::line_tokens::{Number, Plan, Tokens};
use crate::column::Field;
use crate::config::Records;
use crate::flow::Formats;
use crate::pipeline::{ABSENT, Scorer, WindowColumns};
use crate::series::{Observation, Place, Status, Talker};

/// Reads plain lines of a parser's formats.
pub(super) struct PlainLines {
    formats: Vec<PlainFormat>,
    /// The format of the last line, which is tried first for the next. The result does not depend on it.
    guess: usize,
    tokens: Box<Tokens>,
}

/// A format whose number of columns tells it from the others, and which has what window mode needs.
struct PlainFormat {
    plan: Plan,
    columns: usize,
    key: u8,
    /// Whether a line without the key may have something else in its place.
    has_stand_ins: bool,
    /// Source and destination.
    addresses: Option<(u8, u8)>,
    account_id: Option<u8>,
    region: Option<u8>,
    vpc_id: Option<u8>,
}

impl PlainLines {
    /// For the lines of a scorer; none in record mode, or if lines are something else.
    pub(super) fn of(scorer: &Scorer) -> Option<PlainLines> {
        let has_lines = matches!(scorer.config().input.records, Records::Auto | Records::Flow);
        let columns = scorer.window_columns().filter(|_| has_lines)?;
        Some(PlainLines::new(scorer.formats(), columns))
    }

    /// For lines of these formats, whose series are told by one column.
    fn new(formats: &Formats, window: &WindowColumns) -> PlainLines {
        let key = match window.key() {
            [column] => column.field().map(|field| (field, column)),
            _ => None,
        };
        let told_apart = (0..formats.candidates().len()).filter_map(|candidate| formats.told_by_length(candidate));
        let plain = told_apart.filter_map(|format| {
            let column_of = |field: Field| format.column_of(field).map(|column| column as u8);
            let columns = format.columns().len();
            // One column alone would not show by its spaces that it is a line.
            let lacks = |field: Field| format.column_of(field).is_none();
            if columns == 1 || lacks(Field::Bytes) || (window.needs(Field::Packets) && lacks(Field::Packets)) {
                return None;
            }
            let (field, column) = key?;
            Some(PlainFormat {
                plan: Plan::new(format),
                columns,
                key: column_of(field)?,
                has_stand_ins: window.stand_ins(column).any(|column| column.field().is_some_and(|field| !lacks(field))),
                addresses: column_of(Field::SrcAddr).zip(column_of(Field::DstAddr)),
                account_id: column_of(Field::AccountId),
                region: column_of(Field::Region),
                vpc_id: column_of(Field::VpcId),
            })
        });
        PlainLines { formats: plain.collect(), guess: 0, tokens: Box::default() }
    }

    /// Reads a line that begins with a digit, as where the version comes first: no header line does. Others are none.
    #[inline]
    pub(super) fn read(&mut self, line: &[u8]) -> Option<Observation<'_>> {
        if !line.first()?.is_ascii_digit() {
            return None;
        }
        let PlainLines { formats, guess, tokens } = self;
        let mut split = tokens.split(line)?;
        let format = match formats.get_mut(*guess) {
            Some(format) if format.columns == split.count => format,
            _ => {
                *guess = formats.iter().position(|format| format.columns == split.count)?;
                split.forget();
                formats.get_mut(*guess)?
            }
        };
        if !format.plan.read(tokens, split) {
            return None;
        }
        let plan = &format.plan;
        let (start, end) = match (plan.number(Number::Start), plan.number(Number::End)) {
            (start @ 0.., end @ 0..) => (start.min(end), start.max(end)),
            // One alone stands for both.
            (-1, -1) => return None,
            (one, other) => (one.max(other), one.max(other)),
        };
        let status = if plan.is_without_data() {
            Status::NoData
        } else if plan.is_skipped() {
            Status::SkipData
        } else {
            Status::Ok
        };
        let talker = format.addresses.and_then(|(srcaddr, dstaddr)| {
            Some(Talker {
                srcaddr: tokens.token(srcaddr)?,
                dstaddr: tokens.token(dstaddr)?,
                srcport: plan.number(Number::SrcPort).max(0) as u16,
                dstport: plan.number(Number::DstPort).max(0) as u16,
                protocol: plan.number(Number::Protocol).max(0) as u8,
            })
        });
        let key = match tokens.token(format.key) {
            Some(key) => key,
            None if format.has_stand_ins => return None,
            None => ABSENT,
        };
        let text = |column: Option<u8>| column.and_then(|column| tokens.token(column)).unwrap_or_default();
        Some(Observation {
            key,
            joints: &[],
            start,
            end,
            bytes: plan.number(Number::Bytes).max(0) as u64,
            packets: plan.number(Number::Packets).max(0) as u64,
            rejected: plan.is_rejected(),
            talker,
            status,
            place: Place {
                account_id: text(format.account_id),
                region: text(format.region),
                vpc_id: text(format.vpc_id),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::PlainLines;
    use crate::config::Config;
    use crate::pipeline::{Counts, Scorer};

    /// Scorers that read lines in the ordinary way, and in this way where that goes.
    struct Both {
        ordinary: Scorer,
        plain: Scorer,
        lines: Option<PlainLines>,
    }

    impl Both {
        fn new(config: &str) -> Both {
            let scorer = || Scorer::with(Config::parse(config).unwrap());
            let lines = PlainLines::of(&scorer());
            let mut both = Both { ordinary: scorer(), plain: scorer(), lines };
            // The first payload is always read in the ordinary way, and so is all until a record has the fields of the key.
            both.score("2 1 eni-1 - - - 22 - - - 1700000000 1700000060 - NODATA");
            both
        }

        /// Whether the line was plain.
        fn score(&mut self, line: &str) -> bool {
            let (mut expected, mut out) = (Vec::new(), Vec::new());
            let counts = self.ordinary.line(line.as_bytes(), &mut expected);
            let observation = self.lines.as_mut().and_then(|lines| lines.read(line.as_bytes()));
            let plain = observation.and_then(|observation| self.plain.observe(&observation, &mut out));
            let counted = plain.unwrap_or_else(|| self.plain.line(line.as_bytes(), &mut out));
            assert_eq!(counted, counts, "{line:?}");
            assert_eq!(String::from_utf8(out), String::from_utf8(expected), "{line:?}");
            plain.is_some()
        }

        fn assert_same(&self) {
            assert_eq!(self.plain.totals(), self.ordinary.totals());
            assert!(self.plain.snapshot() == self.ordinary.snapshot());
        }
    }

    const LINE: &str = "2 123456789010 eni-0123456789abcdef0 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1700000000 1700000060 ACCEPT OK";

    #[test]
    fn lines_as_they_should_be_are_plain() {
        let mut both = Both::new("{}");
        let lines = [
            LINE,
            LINE,
            &LINE.replace("ACCEPT", "REJECT"),
            &LINE.replace("172.31.16.139", "2001:db8:1234:a100:8d6e:3477:df66:f105"),
            &LINE.replace("4249", "123456789012345"),
            "2 123456789010 eni-0123456789abcdef0 - - - - - - - 1700000000 1700000060 - NODATA",
            "2 123456789010 eni-0123456789abcdef0 - - - - - - - 1700000000 1700000060 - SKIPDATA",
            "2 unknown eni-1 - - - - - - - 1700000000 1700000060 - NODATA",
            // Sixteen bytes are alike, but not where the tokens end.
            "2 123456789010 - 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1700000000 1700000060 ACCEPT OK",
            "2 123456789010 -x 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1700000000 1700000060 ACCEPT OK",
        ];
        for line in lines {
            assert!(both.score(line), "{line}");
        }
        both.assert_same();
        for line in [
            "",
            "2",
            "2 1",
            &LINE.replace(' ', "  "),
            &LINE.replace("20641", "206410"),
            &LINE.replace("20641", "0-"),
            &LINE.replace("20641", "0000000-"),
            &LINE.replace("4249", "1234567890123456"),
            &LINE.replace("4249", "12345678901234567890"),
            &LINE.replace("OK", "ok"),
            &LINE.replace("eni-", "eni\""),
            &LINE.replace("eni-", "eni\\"),
            &LINE.replace("eni-", "eni\u{e9}"),
            &format!("{LINE} "),
            &format!("{LINE} 7"),
            &LINE.replace("eni-", &"x".repeat(3000)),
            &"2 ".repeat(300),
        ] {
            assert!(!both.score(line), "{line}");
        }
        both.assert_same();
    }

    #[test]
    fn a_format_that_lacks_something_is_read_alike() {
        for format in [
            "${bytes} ${interface-id}",
            "${interface-id} ${bytes} ${start}",
            "${end} ${bytes} ${interface-id} ${log-status} ${action} ${srcaddr}",
            "${version} ${start} ${end} ${bytes} ${interface-id} ${srcaddr} ${dstaddr} ${flow-direction}",
            "${start} ${end} ${packets}",
            "${start} ${end} ${bytes}",
        ] {
            let mut both = Both::new(&format!(r#"{{"input":{{"format":"{format}"}}}}"#));
            for line in
                ["5 eni-1", "1700000000 5 eni-1", "17 1700000100 5 eni-1 10.0.0.1 10.0.0.2 ingress", LINE, "1 2 3"]
            {
                both.score(line);
            }
            both.score("1700000000 5 eni-1 OK REJECT 10.0.0.1");
            both.assert_same();
        }
    }

    /// One token in most lines is not as it should be.
    fn lines() -> impl Strategy<Value = Vec<String>> {
        let odd = prop_oneof![
            Just(String::new()),
            Just("-".to_owned()),
            Just("OK".to_owned()),
            "[0-]{1,9}",
            "[0-9]{1,20}",
            "[ -~]{1,9}",
            "-?[0-9a-z.:]{1,18}",
            "\\PC{1,5}",
        ];
        let separator = prop_oneof![20 => Just(" "), 1 => Just("  "), 1 => Just("\t"), 1 => Just("")];
        let line = (0usize..20, odd, 0usize..40, separator, 0u64..2_000).prop_map(|(at, odd, cut, separator, time)| {
            let line = LINE.replace("1700000060", &(1_700_000_000 + time).to_string());
            let mut tokens: Vec<&str> = line.split(' ').collect();
            if let Some(token) = tokens.get_mut(at) {
                *token = &odd;
            }
            match cut {
                0 => tokens.truncate(at),
                1 => tokens.push(&odd),
                _ => {}
            }
            let (head, tail) = tokens.split_at(tokens.len().min(at));
            format!("{}{}{}", head.join(" "), if head.is_empty() { "" } else { separator }, tail.join(" "))
        });
        prop::collection::vec(line, 1..12)
    }

    proptest! {
        #[test]
        fn it_comes_to_the_same_as_the_ordinary_way(lines in lines(), by_port: bool) {
            let by = if by_port { "dstport" } else { "interface_id" };
            let mut both = Both::new(&format!(r#"{{"series":{{"by":["{by}"],"windows":true}}}}"#));
            for line in &lines {
                both.score(line);
                both.score(LINE);
            }
            both.assert_same();
        }
    }

    #[test]
    fn counts_are_one_record_each() {
        let mut both = Both::new("{}");
        let observation = both.lines.as_mut().unwrap().read(LINE.as_bytes()).unwrap();
        let counts = both.plain.observe(&observation, &mut Vec::new());
        assert_eq!(counts, Some(Counts { ok: 1, ..Counts::default() }));
    }
}
