//! Properties of the record parser and the row readers, over generated input.

use flowscore::column::{Columns, Numeric};
use flowscore::column::{FIELDS, Field, Kind};
use flowscore::flow::{Format, Formats, Parsed, Parser};
use flowscore::row::{CsvRows, Dialect, Header, JsonRows};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// A token a field may hold, and the JSON value that must come out.
fn token(field: Field) -> BoxedStrategy<(String, Value)> {
    let text = |token: String| (token.clone(), Value::from(token));
    let value = match field.info().kind {
        Kind::Integer { max } => {
            prop_oneof![0..=max, 0..=max.min(1000), Just(max)].prop_map(|n| (n.to_string(), Value::from(n))).boxed()
        }
        Kind::Action => {
            prop_oneof![Just("ACCEPT"), Just("REJECT")].prop_map(move |token| text(token.to_owned())).boxed()
        }
        Kind::Status => prop_oneof![Just("OK"), Just("NODATA"), Just("SKIPDATA")]
            .prop_map(move |token| text(token.to_owned()))
            .boxed(),
        Kind::Address => prop_oneof![
            any::<std::net::Ipv4Addr>().prop_map(move |address| text(address.to_string())),
            any::<std::net::Ipv6Addr>().prop_map(move |address| text(address.to_string())),
        ]
        .boxed(),
        Kind::Tag => "[ -~é日]{1,20}"
            .prop_filter("a tag of `-` cannot be told from a missing one", |tag| tag != "-")
            .prop_map(|tag| (percent_encoded(&tag), Value::from(tag)))
            .boxed(),
        _ => "[!-~é日]{1,40}".prop_filter("absent", |token| token != "-").prop_map(text).boxed(),
    };
    prop_oneof![1 => Just(("-".to_owned(), Value::Null)), 9 => value].boxed()
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Some fields in some order, and a record of them.
fn record() -> impl Strategy<Value = (Vec<Field>, Vec<(String, Value)>)> {
    let all: Vec<Field> = FIELDS.iter().map(|info| info.field).collect();
    let count = all.len();
    proptest::sample::subsequence(all, 1..=count).prop_shuffle().prop_flat_map(|fields| {
        let tokens: Vec<_> = fields.iter().map(|&field| token(field)).collect();
        (Just(fields), tokens)
    })
}

fn object(write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut out = b"{".to_vec();
    write(&mut out);
    out.push(b'}');
    serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{}: {error}", String::from_utf8_lossy(&out)))
}

proptest! {
    #[test]
    fn a_written_line_comes_back_as_the_same_record((fields, tokens) in record(), blanks in "[ \t]{1,3}", end in "[ \t]{0,2}(\r?\n)?") {
        let names: Vec<_> = fields.iter().map(|field| format!("${{{}}}", field.name())).collect();
        let line = tokens.iter().map(|(token, _)| token.as_str()).collect::<Vec<_>>().join(&blanks) + &end;
        let expected: Map<_, _> =
            fields.iter().zip(&tokens).map(|(field, (_, value))| (field.snake_name(), value.clone())).collect();
        // With the format configured.
        let mut parser = Parser::new(Formats::new(vec![Format::parse(&names.join(" ")).unwrap()]));
        let parsed = parser.line(line.as_bytes()).unwrap();
        prop_assert_eq!(object(|out| parsed.record().unwrap().write_members(out)), Value::Object(expected.clone()));
        // With the format told by a header line.
        let mut parser = Parser::new(Formats::default());
        let header: Vec<_> = fields.iter().map(|field| field.name()).collect();
        prop_assert!(matches!(parser.line(header.join(" ").as_bytes()), Ok(Parsed::Header(_))));
        let parsed = parser.line(line.as_bytes()).unwrap();
        prop_assert_eq!(object(|out| parsed.record().unwrap().write_members(out)), Value::Object(expected));
    }

    #[test]
    fn what_a_line_becomes_does_not_depend_on_the_lines_before(lines in proptest::collection::vec(record(), 1..8)) {
        let formats: Vec<_> = lines.iter().map(|(fields, _)| {
            Format::parse(&fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(" ")).unwrap()
        }).collect();
        let formats = Formats::new(formats);
        let mut together = Parser::new(formats.clone());
        for (_, tokens) in &lines {
            let line = tokens.iter().map(|(token, _)| token.as_str()).collect::<Vec<_>>().join(" ");
            if Format::from_header(line.as_bytes()).is_some() {
                continue;
            }
            let outcome = |parser: &mut Parser| parser.line(line.as_bytes()).map(|parsed| {
                let record = parsed.record().unwrap();
                (record.format().to_string(), object(|out| record.write_members(out)).to_string())
            });
            prop_assert_eq!(outcome(&mut together), outcome(&mut Parser::new(formats.clone())));
        }
    }

    #[test]
    fn any_bytes_give_an_outcome(line in proptest::collection::vec(any::<u8>(), 0..300), extracted in proptest::collection::vec(any::<u8>(), 0..100)) {
        let mut parser = Parser::new(Formats::default());
        let _ = parser.line(&line);
        let _ = parser.event(&line, Some(&extracted));
        let _ = parser.object(&extracted);
        let _ = Format::parse(&String::from_utf8_lossy(&line));
    }

    #[test]
    fn any_line_of_likely_tokens_gives_valid_json_or_a_failure(tokens in proptest::collection::vec("(-|[0-9]{1,22}|[a-z]{1,12}|ACCEPT|OK|\\PC{1,8}|[\"\\\\%]{1,4})", 14)) {
        let line = tokens.join(" ");
        let mut parser = Parser::new(Formats::default());
        if let Ok(Parsed::Record(record)) = parser.line(line.as_bytes()) {
            object(|out| record.write_members(out));
        }
    }

    #[test]
    fn the_scanner_accepts_what_serde_json_accepts(text in "[{}\\[\\]:,\"\\\\a0-9.eE+\\-tfnrulse \n]{0,40}") {
        let object = format!("{{\"a\":{text}}}");
        let columns = Columns::new(["a.a.0"]).unwrap();
        let mut rows = JsonRows::new(columns.clone());
        let row = rows.read(object.as_bytes());
        let theirs = serde_json::from_str::<Box<serde_json::value::Value>>(&object);
        // serde_json refuses numbers beyond the range of f64, and lone surrogates; the scanner leaves them to the reader.
        match (&row, &theirs) {
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("out of range") || error.to_string().contains("surrogate") || error.to_string().contains("hex escape"), "{}: {}", object, error),
            (Err(failure), Ok(_)) => prop_assert!(false, "{}: {}", object, failure),
            _ => {}
        }
        if let Ok(row) = row {
            let _ = row.number(&columns.as_slice()[0]);
        }
    }

    #[test]
    fn written_csv_comes_back(rows in proptest::collection::vec(proptest::collection::vec("[ -~é\n\r]{0,12}", 3), 1..6)) {
        let names = ["x", "y", "z"];
        let mut reader = CsvRows::new(
            Dialect { header: Header::First, ..Dialect::default() },
            Columns::new(names).unwrap(),
        );
        prop_assert!(reader.read(b"x,y,z\r\n").unwrap().is_none());
        for row in &rows {
            let quoted: Vec<_> = row.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
            let line = quoted.join(",") + "\r\n";
            let columns = Columns::new(names).unwrap();
            let read = reader.read(line.as_bytes()).unwrap().unwrap();
            for (column, field) in columns.as_slice().iter().zip(row) {
                // A dash alone is no value.
                let value = if field == "-" { "" } else { field };
                prop_assert_eq!(read.text(column).unwrap_or_default(), value);
            }
            object(|out| read.write_members(out));
        }
    }

    #[test]
    fn any_csv_bytes_give_an_outcome(line in proptest::collection::vec(any::<u8>(), 0..100)) {
        let mut reader = CsvRows::new(Dialect::default(), Columns::new(["COL_1"]).unwrap());
        if let Ok(Some(row)) = reader.read(&line) {
            object(|out| row.write_members(out));
        }
    }
}
