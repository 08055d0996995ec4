//! One test a rule, over every field of every version. The values come from the table itself (its examples), the rules
//! from the Amazon VPC User Guide, "Flow log records".

use flowscore::column::{FIELDS, Field, FieldType, Kind, markdown};
use flowscore::failure::Layer;
use flowscore::flow::{Fit, Format, Formats, Parser, fit};

fn parser(format: &str) -> Parser {
    Parser::new(Formats::new(vec![Format::parse(format).unwrap()]))
}

/// The output for a line of one column.
fn output(field: Field, token: &str) -> Result<String, String> {
    let mut parser = parser(&format!("${{{}}}", field.name()));
    let record = parser.object(format!("{{\"{}\":\"{token}\"}}", field.name()).as_bytes()).map(|record| {
        let mut json = Vec::new();
        record.write_members(&mut json);
        String::from_utf8(json).unwrap()
    });
    let from_object = record.map_err(|failure| failure.reason.into_owned());
    let from_line = match parser.line(token.as_bytes()) {
        Err(failure) => Err(failure.reason.into_owned()),
        Ok(parsed) => {
            let mut json = Vec::new();
            parsed.record().unwrap().write_members(&mut json);
            Ok(String::from_utf8(json).unwrap())
        }
    };
    assert_eq!(from_line, from_object, "a line and an object with the same token differ");
    from_line
}

#[test]
fn a_good_value_of_each_field_comes_out_with_its_type() {
    for info in &FIELDS {
        let name = info.field.snake_name();
        let expected = match info.kind {
            Kind::Integer { .. } => format!("\"{name}\":{}", info.field.doc().example),
            Kind::Tag => format!("\"{name}\":\"{}\"", info.field.doc().example.replace("%C3%A9%20", "é ")),
            _ => format!("\"{name}\":\"{}\"", info.field.doc().example),
        };
        assert_eq!(output(info.field, info.field.doc().example), Ok(expected));
        assert_ne!(
            fit(info.kind, info.field.doc().example.as_bytes()),
            Fit::No,
            "{name}: the example does not fit its own field"
        );
    }
}

#[test]
fn a_hyphen_is_null_in_each_field() {
    for info in &FIELDS {
        assert_eq!(output(info.field, "-"), Ok(format!("\"{}\":null", info.field.snake_name())));
    }
}

#[test]
fn a_bad_value_of_each_checked_field_is_refused_by_name() {
    for info in &FIELDS {
        let bad: &[&str] = match info.kind {
            Kind::Integer { .. } => {
                &["x", "1.5", "-1", "+1", "1e3", "0x10", "9223372036854775808", "99999999999999999999"]
            }
            Kind::Action => &["ALLOW", "accept", "OK", "--"],
            Kind::Status => &["ok", "ACCEPT", "SKIP", "NODATA2"],
            _ => continue,
        };
        for token in bad {
            let reason = output(info.field, token).expect_err(token);
            assert!(reason.starts_with(&format!("{} `{token}`", info.name)), "{reason}");
            assert!(reason.contains("input.format"), "{reason}");
        }
    }
}

#[test]
fn the_largest_value_of_each_integer_field_is_taken_and_the_next_refused() {
    for info in &FIELDS {
        let Kind::Integer { max } = info.kind else { continue };
        let name = info.field.snake_name();
        assert_eq!(output(info.field, &max.to_string()), Ok(format!("\"{name}\":{max}")));
        let next = (i128::from(max) + 1).to_string();
        assert!(output(info.field, &next).is_err_and(|reason| reason.contains(&max.to_string())), "{name} {next}");
        let expected_type = if max > i64::from(i32::MAX) { FieldType::Int64 } else { FieldType::Int32 };
        assert_eq!(info.field_type, expected_type);
    }
}

#[test]
fn a_number_with_leading_zeros_becomes_a_json_number() {
    assert_eq!(output(Field::DstPort, "0022"), Ok("\"dstport\":22".into()));
    assert_eq!(output(Field::Bytes, "000"), Ok("\"bytes\":0".into()));
    assert_eq!(output(Field::Bytes, "0000000000000000000000000000007"), Ok("\"bytes\":7".into()));
}

#[test]
fn account_ids_stay_text() {
    assert_eq!(output(Field::AccountId, "012345678901"), Ok("\"account_id\":\"012345678901\"".into()));
    assert_eq!(output(Field::AccountId, "unknown"), Ok("\"account_id\":\"unknown\"".into()));
}

#[test]
fn milliseconds_in_a_time_field_are_read_as_such() {
    assert_eq!(output(Field::Start, "1418530010000"), Ok("\"start\":1418530010000".into()));
    let mut parser = parser("start end");
    let record = parser.line(b"1418530010000 1418530070000000").unwrap().record().unwrap();
    assert_eq!(record.interval(), Some((1_418_530_010, 1_418_530_070)));
}

#[test]
fn a_failure_gives_the_offset_of_the_token() {
    let failure = parser("srcport dstport").line(b"80  65536").unwrap_err();
    assert_eq!((failure.layer, failure.offset), (Layer::FlowRecord, 4));
}

#[test]
fn tag_values_are_percent_decoded_or_left_alone() {
    for (token, expected) in [
        ("a%20b", "a b"),
        ("%E6%97%A5", "日"),
        ("100%", "100%"),
        ("%zz", "%zz"),
        ("%FF", "%FF"), // not UTF-8 when decoded
        ("a+b", "a+b"),
        ("%22%5C%0A", "\\\"\\\\\\n"),
    ] {
        assert_eq!(output(Field::AsgTag, token), Ok(format!("\"asg_tag\":\"{expected}\"")), "{token}");
    }
    // Only tags are percent-encoded.
    assert_eq!(output(Field::EcsServiceName, "a%20b"), Ok("\"ecs_service_name\":\"a%20b\"".into()));
}

#[test]
fn names_are_found_in_any_spelling() {
    for info in &FIELDS {
        assert_eq!(Field::by_name(info.name.as_bytes()), Some(info.field));
        let snake = info.field.snake_name();
        let words = || info.name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
        let pascal: String = words().collect();
        let camel = pascal[..1].to_lowercase() + &pascal[1..];
        let titles = [words().collect::<Vec<_>>().join("_"), words().collect::<Vec<_>>().join(" ")];
        let plain = info.name.replace('-', "");
        for spelling in [snake.to_uppercase(), snake, pascal, camel, plain].iter().chain(&titles) {
            assert_eq!(Field::by_name(spelling.as_bytes()), Some(info.field), "{spelling}");
        }
    }
    for unknown in ["", "byte", "bytess", "src.addr", "a-name-that-is-longer-than-any-field"] {
        assert_eq!(Field::by_name(unknown.as_bytes()), None);
    }
}

/// Number of fields by version in the guides.
#[test]
fn the_table_is_complete() {
    let count = |version| FIELDS.iter().filter(|info| info.version == version).count();
    let counts: Vec<_> = (2..=11).map(count).collect();
    assert_eq!(counts, [14, 7, 4, 4, 18, 10, 1, 1, 1, 12]);
}

/// To write the page anew: `UPDATE_DOCS=1 cargo test -p flowscore --test core flow_fields`.
#[test]
fn the_field_reference_is_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/fields.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == markdown(),
        "docs/fields.md is not what the table says: UPDATE_DOCS=1 cargo test -p flowscore --test core flow_fields"
    );
}
