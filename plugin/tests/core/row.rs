//! Generic JSON objects and CSV rows: what counts as a number, and what comes out.

use flowscore::column::{Columns, Numeric};
use flowscore::failure::Layer;
use flowscore::row::{CsvRows, Dialect, Header, JsonRows};

fn columns(names: &[&str]) -> Columns {
    Columns::new(names).unwrap()
}

fn json_number(name: &str, object: &str) -> Result<Option<f64>, String> {
    let columns = columns(&[name]);
    let mut rows = JsonRows::new(columns.clone());
    let row = rows.read(object.as_bytes()).map_err(|failure| failure.to_string())?;
    row.number(&columns.as_slice()[0]).map_err(|failure| failure.to_string())
}

#[test]
fn a_path_finds_its_number() {
    for (path, object, expected) in [
        ("a", r#"{"a":1}"#, Some(1.0)),
        ("a", r#" { "b" : [ {"a":9} ] , "a" : -1.5e2 } "#, Some(-150.0)),
        ("a.b.c", r#"{"a":{"x":0,"b":{"c":7}}}"#, Some(7.0)),
        ("items.1.x", r#"{"items":[{"x":1},{"x":2},{"x":3}]}"#, Some(2.0)),
        ("items.0", r#"{"items":[4]}"#, Some(4.0)),
        ("items.0", r#"{"items":{"0":5}}"#, Some(5.0)),
        (r"a\.b", r#"{"a":{"b":1},"a.b":2}"#, Some(2.0)),
        ("a", r#"{"a":"12"}"#, Some(12.0)),
        ("a", r#"{"a":" 12.5 "}"#, Some(12.5)),
        ("a", r#"{"a":"1\u0032"}"#, Some(12.0)),
        ("é", r#"{"\u00e9":1}"#, Some(1.0)),
        ("😀", r#"{"\ud83d\ude00":1}"#, Some(1.0)),
        ("a", r#"{"a":1,"a":2}"#, Some(2.0)),
        ("a", r#"{"a":null}"#, None),
        ("a", r#"{}"#, None),
        ("a.b", r#"{"a":1}"#, None),
        ("a.b", r#"{"a":[1]}"#, None),
        ("items.7", r#"{"items":[1]}"#, None),
    ] {
        assert_eq!(json_number(path, object), Ok(expected), "{path} of {object}");
    }
}

#[test]
fn what_is_no_finite_number_is_refused_by_name() {
    for value in ["true", "[]", "{}", "\"\"", "\"abc\"", "\"NaN\"", "\"inf\"", "1e999", "\"0x10\"", "\"1,5\""] {
        let reason = json_number("a", &format!(r#"{{"a":{value}}}"#)).unwrap_err();
        assert!(reason.contains("column `a`") && reason.contains("not a finite number"), "{value}: {reason}");
        assert!(reason.starts_with("score at byte 5") || value.starts_with('"'), "{reason}");
    }
}

#[test]
fn broken_json_is_refused_with_its_place() {
    for (object, offset) in [
        ("", 0),
        ("[1]", 0),
        ("{", 1),
        (r#"{"a"}"#, 4),
        (r#"{"a":}"#, 5),
        (r#"{"a":1,}"#, 7),
        (r#"{"a":01}"#, 6),
        (r#"{"a":1.}"#, 7),
        (r#"{"a":-}"#, 6),
        (r#"{"a":1e}"#, 7),
        (r#"{"a":nul}"#, 5),
        (r#"{"a":NaN}"#, 5),
        (r#"{"a":"x}"#, 8),
        (r#"{"a":"\x"}"#, 6),
        (r#"{"a":"\u12g4"}"#, 6),
        ("{\"a\":\"\n\"}", 6),
        (r#"{"a":[1 2]}"#, 8),
        (r#"{"a":[1,]}"#, 8),
        (r#"{a:1}"#, 1),
        (r#"{"a":1}{"#, 7),
    ] {
        let mut rows = JsonRows::new(columns(&["b"]));
        let failure = rows.read(object.as_bytes()).unwrap_err();
        assert_eq!((failure.layer, failure.offset), (Layer::Json, offset), "{object}: {failure}");
        let mut rows = JsonRows::new(columns(&["a.b.0"]));
        assert_eq!(rows.read(object.as_bytes()).unwrap_err().offset, offset, "{object}, along a path");
        assert!(serde_json::from_str::<serde_json::Value>(object).is_err() || object == "[1]");
    }
}

#[test]
fn deep_nesting_is_refused_and_costs_no_stack() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(json_number("b", &nested(100)).is_ok());
    assert!(json_number("b", &nested(1_000_000)).unwrap_err().contains("127 levels"));
    assert!(json_number("a.0.0", &nested(1_000_000)).unwrap_err().contains("127 levels"));
}

fn members_of(object: &str) -> String {
    let mut rows = JsonRows::new(columns(&["a"]));
    let mut out = Vec::new();
    rows.read(object.as_bytes()).unwrap().write_members(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn an_object_comes_out_as_it_went_in_on_one_line() {
    assert_eq!(members_of(r#" {"a":1.50,"b":"\u00e9 x", "c":{"d":[]}} "#), r#""a":1.50,"b":"\u00e9 x", "c":{"d":[]}"#);
    assert_eq!(members_of("{\r\n  \"a\": 1,\n  \"b\": \"\\n\"\n}\n"), r#""a": 1,  "b": "\n""#);
    assert_eq!(members_of("{ }"), "");
}

#[test]
fn columns_that_cannot_be_used_say_why() {
    for (names, part) in [
        (vec!["a", ""], "empty step"),
        (vec!["a..b"], "empty step"),
        (vec!["a.b", "c", "a.b"], "`a.b` is there twice"),
        (vec!["1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17"], "more than 16 steps"),
    ] {
        let error = Columns::new(&names).unwrap_err();
        assert!(error.reason.contains(part), "{error}");
        assert_eq!(error.index, names.len() - 1);
    }
    assert!(Columns::new((0..257).map(|i| i.to_string())).is_err());
}

#[test]
fn flow_log_columns_are_found_by_either_name() {
    use flowscore::flow::{Formats, Parser};
    let mut parser = Parser::new(Formats::default());
    let line = b"2 123456789010 eni-1 10.0.0.1 10.0.0.2 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
    let record = parser.line(line).unwrap().record().unwrap();
    let columns = columns(&["bytes", "dstport", "tcp-flags", "log-status", "log_status", "nothing"]);
    let number = |i: usize| record.number(&columns.as_slice()[i]);
    assert_eq!((number(0), number(1), number(2), number(5)), (Ok(Some(4249.0)), Ok(Some(22.0)), Ok(None), Ok(None)));
    assert!(number(3).is_err() && number(4).unwrap_err().reason.contains("column `log_status` is `OK`"));
}

/// The rows of a CSV text as JSON objects; the text of a failure in its place.
/// Where the first row of a text ends: behind a line end that is not inside quotes.
fn record_end(text: &[u8]) -> usize {
    let quotes = |end: usize| text[..end].iter().filter(|byte| **byte == b'"').count();
    let ends = (0..text.len()).find(|&at| text[at] == b'\n' && quotes(at).is_multiple_of(2));
    ends.map_or(text.len(), |at| at + 1)
}

fn csv(dialect: Dialect, names: &[&str], text: &str) -> Vec<String> {
    let mut rows = CsvRows::new(dialect, columns(names));
    let mut rest = text.as_bytes();
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (record, tail) = rest.split_at(record_end(rest));
        rest = tail;
        match rows.read(record) {
            Ok(None) => {}
            Ok(Some(row)) => {
                let mut out = b"{".to_vec();
                row.write_members(&mut out);
                out.push(b'}');
                serde_json::from_slice::<serde_json::Value>(&out).unwrap();
                all.push(String::from_utf8(out).unwrap());
            }
            Err(failure) => all.push(failure.to_string()),
        }
    }
    all
}

fn with_header() -> Dialect {
    Dialect { header: Header::First, ..Dialect::default() }
}

#[test]
fn csv_fields_come_out_under_the_names_of_the_header() {
    assert_eq!(
        csv(
            with_header(),
            &["bytes"],
            "time,bytes,who\r\n2024-01-01,007,a\r\n2024-01-02,12.5,\"b, \"\"c\"\"\nd\"\r\nx,,y"
        ),
        [
            r#"{"time":"2024-01-01","bytes":"007","who":"a"}"#,
            r#"{"time":"2024-01-02","bytes":12.5,"who":"b, \"c\"\nd"}"#,
            r#"{"time":"x","bytes":null,"who":"y"}"#,
        ]
    );
}

#[test]
fn a_csv_header_is_found_by_content() {
    for (name, columns, text, expected) in [
        ("names, then data", &["b"][..], "a,b\nx,2\n", &[r#"{"a":"x","b":2}"#][..]),
        ("no columns are wanted yet", &[], "\"Zone-1\",b_2\r\nx,2\r\n", &[r#"{"Zone-1":"x","b_2":"2"}"#]),
        ("a number", &[], "a,1\nb,2\n", &[r#"{"COL_1":"a","COL_2":"1"}"#, r#"{"COL_1":"b","COL_2":"2"}"#]),
        ("an empty field", &[], "a,\n", &[r#"{"COL_1":"a","COL_2":""}"#]),
        ("blanks", &[], "a,not a name\n", &[r#"{"COL_1":"a","COL_2":"not a name"}"#]),
        ("a number that is none", &[], "a,NaN\n", &[r#"{"COL_1":"a","COL_2":"NaN"}"#]),
        ("a column is not among the names", &["COL_2"], "a,b\n", &[r#"{"COL_1":"a","COL_2":"b"}"#]),
        ("only the first row", &["b"], "a,b\nb,a\n", &[r#"{"a":"b","b":"a"}"#]),
    ] {
        assert_eq!(csv(Dialect::default(), columns, text), expected, "{name}");
    }
    let named = Dialect { names: vec!["k".into(), "v".into()], ..Dialect::default() };
    assert_eq!(csv(named, &[], "a,b\n"), [r#"{"k":"a","v":"b"}"#], "configured names");

    let columns = columns(&["b"]);
    let mut rows = CsvRows::new(Dialect::default(), columns.clone());
    assert!(rows.read(b"a,b").unwrap().is_none());
    assert_eq!(rows.read(b"1,2").unwrap().unwrap().number(&columns.as_slice()[0]), Ok(Some(2.0)));
    rows.reset();
    let row = rows.read(b"1,2").unwrap().unwrap();
    assert_eq!(row.number(&columns.as_slice()[0]), Ok(None), "a header is that of its payload only");
}

#[test]
fn csv_without_header_has_the_retired_services_names() {
    assert_eq!(
        csv(Dialect::default(), &["COL_2"], "a,1\nb,2,c\n"),
        [r#"{"COL_1":"a","COL_2":1}"#, r#"{"COL_1":"b","COL_2":2,"COL_3":"c"}"#]
    );
}

#[test]
fn csv_takes_names_and_delimiter_from_the_configuration() {
    let dialect = Dialect { delimiter: b'\t', header: Header::None, names: vec!["k".into(), "v\"".into()] };
    assert_eq!(csv(dialect.clone(), &[], "a\t1\n"), [r#"{"k":"a","v\"":"1"}"#]);
    let dialect = Dialect { header: Header::First, ..dialect };
    assert_eq!(csv(dialect, &["v\""], "x\ty\na\t1\n"), [r#"{"k":"a","v\"":1}"#]);
}

#[test]
fn csv_rows_that_cannot_be_used_say_why() {
    assert_eq!(
        csv(with_header(), &["b"], "a,b\n1\n1,2,3\n1,2\n"),
        [
            "csv at byte 1: 1 fields where the header or the configuration has 2 columns",
            "csv at byte 5: 3 fields where the header or the configuration has 2 columns",
            r#"{"a":"1","b":2}"#,
        ]
    );
    assert!(csv(with_header(), &["c"], "a,b\n")[0].contains("the header has no column `c`; it has a, b"));
    assert!(csv(Dialect::default(), &[], "a,\"b\n")[0].contains("not closed"));
    assert!(csv(Dialect::default(), &[], "a,\"b\"c\n")[0].contains("csv at byte 5: after a closing quote"));
    assert!(csv(Dialect::default(), &[], &",".repeat(2000))[0].contains("more than 1000 fields"));
}

#[test]
fn csv_numbers_are_finite_or_refused() {
    let columns = columns(&["COL_1"]);
    for (text, expected) in [
        ("1", Ok(Some(1.0))),
        (" 1.5 ", Ok(Some(1.5))),
        ("\"2\"", Ok(Some(2.0))),
        ("+3", Ok(Some(3.0))),
        ("007", Ok(Some(7.0))),
        ("", Ok(None)),
        ("\"\"", Ok(None)),
        ("NaN", Err(())),
        ("inf", Err(())),
        ("-", Ok(None)),
        ("--", Err(())),
        ("1e999", Err(())),
    ] {
        let mut rows = CsvRows::new(Dialect::default(), columns.clone());
        let line = format!("{text},x");
        let row = rows.read(line.as_bytes()).unwrap().unwrap();
        let number = row.number(&columns.as_slice()[0]).map_err(|failure| {
            assert!(failure.reason.contains("column `COL_1`"), "{failure}");
        });
        assert_eq!(number, expected, "{text}");
    }
}

#[test]
fn text_serves_as_key() {
    let columns = columns(&["a", "b"]);
    let mut rows = JsonRows::new(columns.clone());
    let row = rows.read(br#"{"a":"x\n","b":12}"#).unwrap();
    assert_eq!(row.text(&columns.as_slice()[0]).as_deref(), Some("x\n"));
    assert_eq!(row.text(&columns.as_slice()[1]).as_deref(), Some("12"));
    let mut rows = CsvRows::new(with_header(), columns.clone());
    assert!(rows.read(b"b,a").unwrap().is_none());
    let row = rows.read(b",\"say \"\"hi\"\"\"").unwrap().unwrap();
    assert_eq!(row.text(&columns.as_slice()[0]).as_deref(), Some("say \"hi\""));
    assert_eq!(row.text(&columns.as_slice()[1]), None);
}
