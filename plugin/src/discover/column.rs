//! What the values of one column have in common.

use crate::column::finite;
use crate::column::{Field, Kind};
use crate::flow::is_address;
use crate::json::Writer;
use crate::time::LAST_SECOND;

/// Distinct values are counted up to this many.
const DISTINCT: usize = 100;

/// The type of a column, wide enough for what may come later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Integer,
    Number,
    String,
    Timestamp,
    Ip,
    Boolean,
}

impl Type {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Type::Integer => "integer",
            Type::Number => "number",
            Type::String => "string",
            Type::Timestamp => "timestamp",
            Type::Ip => "ip",
            Type::Boolean => "boolean",
        }
    }
}

/// One column, and what its values were.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    /// The last step of the path, or the name in output.
    pub(super) name: String,
    /// How a configuration names it.
    pub(super) path: String,
    /// The type that is known without looking: a flow log field's.
    declared: Option<Type>,
    values: usize,
    absent: usize,
    booleans: usize,
    addresses: usize,
    integers: usize,
    numbers: usize,
    dates: usize,
    /// Digits that must stay text: a leading zero, or so many that they are an id.
    ids: usize,
    quoted: usize,
    minimum: f64,
    maximum: f64,
    sum: f64,
    squares: f64,
    /// In the order in which they came first.
    distinct: Vec<String>,
}

impl Profile {
    pub(super) fn new(name: &str, path: &str) -> Profile {
        Profile {
            name: name.to_owned(),
            path: path.to_owned(),
            declared: None,
            values: 0,
            absent: 0,
            booleans: 0,
            addresses: 0,
            integers: 0,
            numbers: 0,
            dates: 0,
            ids: 0,
            quoted: 0,
            minimum: f64::INFINITY,
            maximum: f64::NEG_INFINITY,
            sum: 0.0,
            squares: 0.0,
            distinct: Vec::new(),
        }
    }

    /// Takes in a value; none is null or `-`.
    pub(super) fn add(&mut self, value: Option<&str>, is_quoted: bool) {
        let Some(value) = value else {
            self.absent += 1;
            return;
        };
        self.values += 1;
        self.quoted += usize::from(is_quoted);
        let short: String = value.chars().take(80).collect();
        if self.distinct.len() < DISTINCT && !self.distinct.contains(&short) {
            self.distinct.push(short);
        }
        self.booleans += usize::from(value == "true" || value == "false");
        self.addresses += usize::from(is_address(value.as_bytes()));
        self.dates += usize::from(looks_like_date(value));
        let digits = value.strip_prefix('-').unwrap_or(value);
        let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let has_leading_zero = digits.len() > 1 && digits.starts_with('0');
        self.ids +=
            usize::from(all_digits && (digits.len() > 18 || is_quoted && (digits.len() == 12 || has_leading_zero)));
        self.integers += usize::from(all_digits);
        if let Some(number) = finite(value) {
            self.numbers += 1;
            self.minimum = self.minimum.min(number);
            self.maximum = self.maximum.max(number);
            self.sum += number;
            self.squares += number * number;
        }
    }

    pub(super) fn has_values(&self) -> bool {
        self.values > 0
    }

    /// Whether it was absent in some of `records`.
    fn nullable(&self, records: usize) -> bool {
        self.absent > 0 || self.values < records
    }

    pub(super) fn declare(&mut self, field: Field) {
        self.declared = Some(match field.info().kind {
            Kind::Integer { max } if max == LAST_SECOND => Type::Timestamp,
            Kind::Integer { .. } => Type::Integer,
            Kind::Address => Type::Ip,
            _ => Type::String,
        });
    }

    pub(super) fn column_type(&self) -> Type {
        if let Some(declared) = self.declared {
            return declared;
        }
        let all = |count: usize| self.values > 0 && count == self.values;
        if all(self.booleans) {
            Type::Boolean
        } else if all(self.addresses) {
            Type::Ip
        } else if all(self.dates) {
            Type::Timestamp
        } else if self.ids > 0 || !all(self.numbers) {
            Type::String
        } else if self.is_time() {
            Type::Timestamp
        } else if all(self.integers) {
            Type::Integer
        } else {
            Type::Number
        }
    }

    /// Numbers in the range of Unix time from 2001 to 2100, in seconds, milliseconds, microseconds or nanoseconds, under
    /// a name that says so.
    fn is_time(&self) -> bool {
        let says_time = self.words().iter().any(|word| {
            ["start", "end", "at", "ts", "epoch", "when"].contains(&&word[..])
                || ["time", "date", "stamp"].iter().any(|ending| word.ends_with(ending))
        });
        says_time && self.time_unit().is_some()
    }

    /// How many of a second its numbers count, if they are in the range of a time.
    fn time_unit(&self) -> Option<f64> {
        let in_range = |unit: &f64| self.minimum >= 1e9 * unit && self.maximum <= 4.1e9 * unit;
        [1.0, 1e3, 1e6, 1e9].into_iter().find(in_range)
    }

    /// Whether it holds times: dates, or numbers in the range of a time that say so or lie within a month.
    pub(super) fn holds_times(&self) -> bool {
        const MONTH: f64 = 31.0 * 86_400.0;
        self.column_type() == Type::Timestamp
            || self.numbers == self.values
                && self.time_unit().is_some_and(|unit| self.maximum - self.minimum <= MONTH * unit)
    }

    /// Whether no value of it is later than one of another column with as many.
    pub(super) fn is_before(&self, other: &Profile) -> bool {
        self.minimum <= other.minimum && self.maximum <= other.maximum
    }

    /// Whether all values that were kept satisfy a test, and there are some.
    pub(super) fn all(&self, test: impl Fn(&str) -> bool) -> bool {
        !self.distinct.is_empty() && self.distinct.iter().all(|value| test(value))
    }

    /// The words of its name in lower case: `srcPort`, `src-port` and `SRC_PORT` are `src` and `port`.
    pub(super) fn words(&self) -> Vec<String> {
        words(&self.name)
    }

    /// How much it varies for its size (squared coefficient of variation); none if it is nothing to score.
    pub(super) fn spread(&self) -> Option<f64> {
        const LABELS: [&str; 30] = [
            "id", "ids", "uid", "uuid", "pid", "port", "ports", "sport", "dport", "version", "status", "code", "proto",
            "protocol", "flag", "flags", "year", "month", "day", "hour", "account", "owner", "vlan", "asn", "ttl",
            "index", "seq", "offset", "line", "class",
        ];
        let is_label = |word: &String| {
            LABELS.contains(&&word[..]) || word.ends_with("port") || word.ends_with("id") && word.len() > 4
        };
        let is_number = matches!(self.column_type(), Type::Integer | Type::Number);
        let words = self.words();
        let is_id = words.len() == 1 && words.iter().all(|word| word.ends_with("id"));
        if !is_number || words.iter().any(is_label) || is_id || self.minimum < 0.0 || self.distinct.len() < 2 {
            return None;
        }
        let count = self.values as f64;
        let mean = self.sum / count;
        let spread = (self.squares / count - mean * mean) / (mean * mean);
        (spread.is_finite() && spread > 0.0).then_some(spread)
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>, records: usize) {
        let column_type = self.column_type();
        writer.open(b'{');
        for (key, text) in [("name", &self.name[..]), ("path", &self.path), ("type", column_type.name())] {
            writer.key(key).text(text);
        }
        writer.key("nullable").truth(self.nullable(records));
        writer.key("example");
        match self.distinct.first() {
            Some(example) => writer.text(example),
            None => writer.literal("null"),
        }
        writer.key("distinct");
        match self.distinct.len() {
            DISTINCT => writer.text("100 or more"),
            count => writer.whole(count as u64),
        }
        if self.numbers > 0 && self.numbers == self.values && column_type != Type::String {
            for (key, number) in [("minimum", self.minimum), ("maximum", self.maximum)] {
                writer.key(key).number(number);
            }
        }
        writer.close(b'}');
    }
}

/// `2024-01-31`, `2024-01-31T12:00:00Z`, `2024-01-31 12:00:00`.
fn looks_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = b"dddd-dd-dd";
    let begins = bytes.len() >= shape.len()
        && shape.iter().zip(bytes).all(|(&s, &b)| if s == b'd' { b.is_ascii_digit() } else { s == b });
    begins && matches!(bytes.get(10), None | Some(b'T' | b't' | b' '))
}

/// The words of a name in lower case, which stand apart by a change of case or by what is neither letter nor digit.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for character in name.chars() {
        let is_word = character.is_ascii_alphanumeric();
        if (!is_word || was_small && character.is_ascii_uppercase())
            && words.last().is_some_and(|word| !word.is_empty())
        {
            words.push(String::new());
        }
        was_small = character.is_ascii_lowercase() || character.is_ascii_digit();
        if let (true, Some(word)) = (is_word, words.last_mut()) {
            word.push(character.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
