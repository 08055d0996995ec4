//! Whether a line is a header: names of fields that the lines after it have.

use super::MAX_HEADER;

/// Whether the line may be a header of field names, such as S3 files of flow logs and CSV files start with: several names.
/// [`is_header`] knows by the line after it.
pub(super) fn may_be_header(line: &[u8]) -> bool {
    line.len() <= MAX_HEADER
        && std::str::from_utf8(line).is_ok_and(|line| {
            let mut names = fields(line, separator(line)).map(unquoted).filter(|name| !name.is_empty());
            let mut count = 0;
            let is_name = if separator(line) == ' ' { is_name } else { is_title };
            names.all(|name| {
                count += 1;
                is_name(name)
            }) && count > 1
        })
}

/// Whether several names are a header of this line after them: one that has the same separator and, with spaces, as many
/// words, of which not all are names. (A first row of CSV may have fewer or more fields; that is for the plugin to tell.)
pub(super) fn is_header(names: &[u8], line: &[u8]) -> bool {
    let (Ok(names), Ok(line)) = (std::str::from_utf8(names), std::str::from_utf8(line)) else { return false };
    match separator(names) {
        separator @ (',' | '\t') => line.contains(separator),
        space => fields(names, space).count() == fields(line, space).count() && !fields(line, space).all(is_name),
    }
}

fn separator(line: &str) -> char {
    [',', '\t'].into_iter().find(|separator| line.contains(*separator)).unwrap_or(' ')
}

/// The fields of a line; between words one space is as good as several.
fn fields(line: &str, separator: char) -> impl Iterator<Item = &str> {
    line.trim().split(separator).filter(move |field| separator != ' ' || !field.is_empty())
}

fn unquoted(field: &str) -> &str {
    field.trim().trim_matches('"')
}

/// Letters, digits, hyphens and underscores that start with a letter.
fn is_name(field: &str) -> bool {
    field.starts_with(|c: char| c.is_ascii_alphabetic())
        && field.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// The same, or several words, as columns of exports are called: `@timestamp`, `Interface ID`.
fn is_title(field: &str) -> bool {
    field.starts_with(|c: char| c.is_ascii_alphabetic() || c == '@')
        && field.chars().all(|c| c.is_ascii_alphanumeric() || "-_@.: ()/".contains(c))
}

/// Fields that most flow logs have, without what their spellings differ in.
const FIELDS: [&str; 14] = [
    "version",
    "accountid",
    "interfaceid",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "logstatus",
];

/// Whether a line, wherever it stands, is a header by its own words: names, most of them [`FIELDS`] that no record has for
/// values. Files of flow logs written one after another (`zcat`) have one each.
pub(crate) fn is_flow_log_header(line: &[u8]) -> bool {
    let begins = line.first().is_some_and(|c| c.is_ascii_alphabetic() || *c == b'"');
    begins && may_be_header(line) && {
        let line = String::from_utf8_lossy(line);
        let names = || fields(&line, separator(&line)).map(unquoted);
        let folded = |name: &str| name.replace(['-', '_', ' '], "").to_ascii_lowercase();
        let known = names().filter(|name| FIELDS.contains(&folded(name).as_str())).count();
        known > 1 && known * 3 >= names().count()
    }
}
