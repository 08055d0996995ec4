//! Recognises delimited text.

use crate::column::{Columns, finite};
use crate::row::{CsvRows, Dialect, Header};

/// The delimiters tried, in order of preference.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// More names than this are no header.
const NAMES: usize = 1000;

/// The dialect of these lines, with the names of its header if it has one; none if they are no CSV.
///
/// A delimiter is right if it splits nearly all lines into the same number of fields, two or more; the one with the most
/// fields is taken. The first line is a header if it holds distinct names, none a number, while a column below is numeric.
pub(super) fn recognise(lines: &[&[u8]]) -> Option<Dialect> {
    let mut best: Option<(u8, Vec<Vec<String>>)> = None;
    for delimiter in DELIMITERS {
        let rows: Vec<_> = lines.iter().filter_map(|line| fields(line, delimiter)).collect();
        let count = rows.first().map_or(0, Vec::len);
        let same = rows.iter().filter(|row| row.len() == count).count();
        let is_enough = same * 10 >= lines.len() * 9 && count >= 2;
        if is_enough && best.as_ref().is_none_or(|(_, most)| count > most[0].len()) {
            best = Some((delimiter, rows));
        }
    }
    let (delimiter, rows) = best?;
    let (first, rest) = rows.split_first()?;
    let is_name = |name: &String| !name.trim_ascii().is_empty() && finite(name).is_none() && name.len() <= 100;
    // A bound, because each name is compared with each.
    let are_distinct = first.len() <= NAMES && (0..first.len()).all(|i| !first[..i].contains(&first[i]));
    let is_numeric = |place: usize| {
        let mut values = rest.iter().filter_map(|row| row.get(place)).peekable();
        values.peek().is_some() && values.all(|value| value.trim_ascii().is_empty() || finite(value).is_some())
    };
    let has_header = first.iter().all(is_name) && are_distinct && (0..first.len()).any(is_numeric);
    Some(if has_header {
        let names = first.iter().map(|name| name.trim_ascii().to_owned()).collect();
        Dialect { delimiter, header: Header::First, names }
    } else {
        let names = (1..=first.len()).map(|number| format!("COL_{number}")).collect();
        Dialect { delimiter, header: Header::None, names }
    })
}

/// The fields of one line.
pub(super) fn fields(line: &[u8], delimiter: u8) -> Option<Vec<String>> {
    let dialect = Dialect { delimiter, header: Header::None, names: Vec::new() };
    let mut rows = CsvRows::new(dialect, Columns::default());
    let row = rows.read(line).ok()??;
    Some(row.fields())
}
