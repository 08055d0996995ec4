//! One pass over a Fluent Bit record: is it JSON, where is its payload, and where does it end.
//!
//! Fluent Bit writes the records of one input alike: the same members in the same order, without white space. So what the
//! last record looked like is tried first on the next: the text up to the payload as a whole, or else each key. It is a
//! guess that costs a comparison; the result does not depend on it.

use super::flat_object::Span;
use super::plain_text::{plain_number, plain_string};
use crate::column::Field;
use crate::json::{Kind, Located, Malformed, Scanner, Text, utf8};
use crate::text::words::word;

/// The member that the filter adds.
pub(super) const OWN: &str = "flowscore";

/// Members by which a record may be an envelope, or a record of one, though none of them is a configured field.
const ENVELOPES: [&str; 3] = ["data", "Data", "message"];

/// What a member is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It may hold the payload: a configured field, by its place in the list.
    Field(u8),
    /// It is a column that scoring needs.
    Column(u8),
    /// It is the filter's own, from a filter before this one.
    Own,
    /// It may make an envelope of the record.
    Envelope,
    /// None of these.
    Other,
}

/// A text such as a key with its quotes and colon, in whole words.
#[derive(Clone, Copy, Debug, Default)]
struct Guess {
    words: [u64; GUESS_WORDS],
    /// Of the last word.
    mask: u64,
    /// Bytes; 0 is no guess.
    length: usize,
    role: u8,
}

const GUESS_WORDS: usize = 4;
/// Guesses kept; records with more members are read without.
const GUESSES: usize = 64;

impl Guess {
    fn new(text: &[u8], role: u8) -> Option<Guess> {
        if text.len() > GUESS_WORDS * 8 {
            return None;
        }
        let mut guess = Guess { length: text.len(), role, mask: u64::MAX, ..Guess::default() };
        for (word, chunk) in guess.words.iter_mut().zip(text.chunks(8)) {
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_le_bytes(bytes);
            guess.mask = u64::MAX >> (64 - chunk.len() * 8);
        }
        Some(guess)
    }

    #[inline]
    fn is_at(&self, text: &[u8], at: usize) -> bool {
        let differs = |index: usize, mask: u64| match word(text, at + index * 8) {
            Some(word) => (word ^ self.words[index]) & mask != 0,
            None => true,
        };
        match self.length {
            0 => false,
            1..=8 => !differs(0, self.mask),
            9..=16 => !differs(0, u64::MAX) && !differs(1, self.mask),
            17..=24 => !differs(0, u64::MAX) && !differs(1, u64::MAX) && !differs(2, self.mask),
            _ => !differs(0, u64::MAX) && !differs(1, u64::MAX) && !differs(2, u64::MAX) && !differs(3, self.mask),
        }
    }
}

/// A member of a flat record: the text from the end of the member before up to the value's first character.
#[derive(Clone, Copy, Debug)]
struct Member {
    begins: Guess,
    is_text: bool,
}

/// What a record is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) payload: Payload<'a>,
    pub(super) frame: Frame,
}

/// Where a record's payload is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    /// ASCII text without escape sequences.
    Ascii(&'a [u8]),
    /// Text without escape sequences.
    Text(&'a [u8]),
    /// Text with escape sequences.
    Escaped(&'a [u8]),
    /// JSON: an object or array under one of the fields, or the record itself.
    Json(&'a [u8]),
    /// The record itself, flat: the places of the columns are found.
    Flat(&'a [u8]),
}

impl<'a> Payload<'a> {
    fn of(text: &'a [u8], escaped: bool) -> Self {
        match escaped {
            true => Payload::Escaped(text),
            false if text.is_ascii() => Payload::Ascii(text),
            false => Payload::Text(text),
        }
    }

    fn bytes(&self) -> &'a [u8] {
        let (Payload::Ascii(bytes)
        | Payload::Text(bytes)
        | Payload::Escaped(bytes)
        | Payload::Json(bytes)
        | Payload::Flat(bytes)) = self;
        bytes
    }
}

/// What is needed to write the record with a member more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Where the closing brace is.
    pub(super) close: usize,
    /// Whether there are members besides the filter's own.
    pub(super) is_empty: bool,
    /// The filter's own member, with one of the commas beside it.
    pub(super) own: Option<(usize, usize)>,
}

/// Reads records.
#[derive(Debug)]
pub(super) struct Reader {
    fields: Vec<String>,
    /// Members that scoring takes from flat records; none: it has no use for them.
    columns: Option<Vec<String>>,
    /// Spans of the columns in the last flat record.
    places: Vec<Span>,
    /// The last record up to the first character of its payload.
    prefix: Vec<u8>,
    guesses: Vec<Guess>,
    /// The last record's members, if it was flat and all of them are text or numbers.
    shape: Vec<Member>,
}

impl Reader {
    pub(super) fn new(fields: Vec<String>, columns: Option<Vec<String>>) -> Self {
        let columns = columns.filter(|columns| columns.len() <= MOST_COLUMNS);
        let places = vec![Span::default(); columns.as_ref().map_or(0, Vec::len)];
        Reader {
            fields,
            columns,
            places,
            prefix: Vec::new(),
            guesses: vec![Guess::default(); GUESSES],
            shape: Vec::new(),
        }
    }

    /// The places of the columns in the record that was [flat](Payload::Flat).
    pub(super) fn places(&self) -> &[Span] {
        &self.places
    }

    /// Reads one record.
    #[inline]
    pub(super) fn read<'a>(&mut self, record: &'a [u8]) -> Result<Record<'a>, Malformed> {
        match self.alike(record).or_else(|| self.alike_flat(record)) {
            Some(found) => Ok(found),
            None => self.walk(record).inspect_err(|_| self.shape.clear()),
        }
    }

    /// The text at the end of a record that is like the last one up to there. Whether it is a JSON string without escape
    /// sequences is not looked at; if it is, it is the payload.
    #[inline]
    pub(super) fn last_text<'a>(&self, record: &'a [u8]) -> Option<(&'a [u8], Frame)> {
        let start = self.prefix.len();
        if start == 0 || !starts_with(record, &self.prefix) || !record.ends_with(b"\"}") {
            return None;
        }
        let close = record.len() - 1;
        Some((record.get(start..close - 1)?, Frame { close, is_empty: false, own: None }))
    }

    /// A flat record with the members of the last one, all of them plain.
    #[inline]
    fn alike_flat<'a>(&mut self, record: &'a [u8]) -> Option<Record<'a>> {
        if self.shape.is_empty() {
            return None;
        }
        self.places.fill(Span::default());
        let mut at = 0;
        for Member { begins, is_text } in &self.shape {
            if !begins.is_at(record, at) {
                return None;
            }
            let start = at + begins.length;
            let end = if *is_text { plain_string(record, start)? } else { plain_number(record, start)? };
            if end == start {
                return None;
            }
            at = end + usize::from(*is_text);
            if let Some(place) = self.places.get_mut(usize::from(begins.role)) {
                *place = Span { start: start as u32, end: end as u32 };
            }
        }
        if record.get(at..)? != b"}" || u32::try_from(record.len()).is_err() {
            return None;
        }
        Some(Record { payload: Payload::Flat(record), frame: Frame { close: at, is_empty: false, own: None } })
    }

    /// A record that is like the last one up to its payload, and ends with it.
    #[inline]
    fn alike<'a>(&self, record: &'a [u8]) -> Option<Record<'a>> {
        let start = self.prefix.len();
        if start == 0 || !starts_with(record, &self.prefix) {
            return None;
        }
        let payload = match plain_string(record, start) {
            Some(end) => Payload::Ascii(record.get(start..end)?),
            None => any_string(record, start)?,
        };
        let close = start + payload.bytes().len() + 1;
        if record.get(close..)? != b"}" {
            return None;
        }
        Some(Record { payload, frame: Frame { close, is_empty: false, own: None } })
    }

    /// Any record, member by member.
    #[inline(never)]
    fn walk<'a>(&mut self, record: &'a [u8]) -> Result<Record<'a>, Malformed> {
        let mut scanner = Scanner::strict(utf8(record)?);
        if scanner.open(b'{').is_err() {
            return scanner.error("a record is a JSON object, which begins with `{`");
        }
        self.places.fill(Span::default());
        self.shape.clear();
        let mut is_flat = self.columns.is_some() && u32::try_from(record.len()).is_ok();
        let mut payload: Option<(u8, Located)> = None;
        let mut frame = Frame { close: 0, is_empty: true, own: None };
        let (mut count, mut seen) = (0, 0u64);
        loop {
            let before = scanner.at;
            if !scanner.element(&mut (count == 0), b'}')? {
                break;
            }
            let role = self.key(record, &mut scanner, count)?;
            count += 1;
            let value = inside(scanner.value()?);
            frame.is_empty &= role == OWN_ROLE;
            if is_flat {
                let begin = if count == 1 { 0 } else { before };
                self.remember(record.get(begin..value.start).unwrap_or_default(), role, &value, count);
            }
            is_flat &= !matches!(value.kind, Kind::Object | Kind::Array);
            match role {
                OTHER => {}
                OWN_ROLE => {
                    // The first member's comma is the one behind it.
                    let follows = count == 1 && scanner.peek() == Some(b',');
                    frame.own = Some((before, scanner.at + usize::from(follows)));
                    if follows {
                        count = 0;
                        scanner.at += 1;
                        if scanner.peek() == Some(b'}') {
                            return scanner.error("a key is expected after `,`");
                        }
                    }
                }
                ENVELOPE => is_flat = false,
                _ if role >= FIELDS => {
                    let rank = role - FIELDS;
                    let holds = matches!(value.kind, Kind::String { .. } | Kind::Object | Kind::Array);
                    if holds && payload.is_none_or(|(best, _)| rank <= best) {
                        payload = Some((rank, value));
                    }
                    is_flat = false;
                }
                column => {
                    let bit = 1 << (u32::from(column) % u64::BITS);
                    let simple = match value.kind {
                        Kind::String { escaped: false } => value.end > value.start,
                        Kind::Number | Kind::Null => true,
                        _ => false,
                    };
                    is_flat &= simple && seen & bit == 0;
                    seen |= bit;
                    if let Some(place) = self.places.get_mut(usize::from(column))
                        && value.kind != Kind::Null
                    {
                        *place = Span { start: value.start as u32, end: value.end as u32 };
                    }
                }
            }
        }
        frame.close = scanner.at - 1;
        scanner.finish()?;
        let part = |value: Located| record.get(value.start..value.end).unwrap_or_default();
        let payload = match payload {
            Some((_, value)) => match value.kind {
                Kind::String { escaped } => {
                    self.prefix.clear();
                    let is_last = frame.close == value.end + 1 && frame.own.is_none();
                    if is_last && value.start <= LONGEST_PREFIX {
                        self.prefix.extend_from_slice(record.get(..value.start).unwrap_or_default());
                    }
                    Payload::of(part(value), escaped)
                }
                _ => Payload::Json(part(value)),
            },
            None if is_flat && record.is_ascii() && frame.own.is_none() => Payload::Flat(record),
            None => Payload::Json(record),
        };
        let is_whole = self.shape.len() == count && matches!(payload, Payload::Flat(_));
        if !is_whole {
            self.shape.clear();
        }
        Ok(Record { payload, frame })
    }

    /// Remembers a member, the number `count`, of a flat record. One that is left out leaves the shape too short.
    fn remember(&mut self, begins: &[u8], role: u8, value: &Located, count: usize) {
        let is_text = value.kind == Kind::String { escaped: false };
        let is_simple = (is_text && value.end > value.start) || value.kind == Kind::Number;
        if is_simple
            && self.shape.len() + 1 == count
            && count <= GUESSES
            && let Some(begins) = Guess::new(begins, role)
        {
            self.shape.push(Member { begins, is_text });
        }
    }

    /// Passes over a key, the member's number `count`, and says what its member is for.
    #[inline]
    fn key(&mut self, record: &[u8], scanner: &mut Scanner<'_>, count: usize) -> Result<u8, Malformed> {
        if let Some(guess) = self.guesses.get(count)
            && guess.is_at(record, scanner.at)
        {
            scanner.at += guess.length;
            return Ok(guess.role);
        }
        self.unforeseen_key(scanner, count)
    }

    #[inline(never)]
    fn unforeseen_key(&mut self, scanner: &mut Scanner<'_>, count: usize) -> Result<u8, Malformed> {
        scanner.peek();
        let from = scanner.at;
        let Text { raw, escaped } = scanner.member_key()?;
        let mut unescaped = Vec::new();
        let name = if escaped {
            Text { raw, escaped }.unescape(&mut unescaped);
            &unescaped
        } else {
            raw
        };
        let role = match self.role(name) {
            Role::Field(rank) => FIELDS + rank,
            Role::Column(column) => column,
            Role::Own => OWN_ROLE,
            Role::Envelope => ENVELOPE,
            Role::Other => OTHER,
        };
        let written = scanner.since(from);
        if let Some(place) = self.guesses.get_mut(count)
            && !escaped
            && let Some(guess) = Guess::new(written, role)
            && raw.is_ascii()
        {
            *place = guess;
        }
        Ok(role)
    }

    fn role(&self, name: &[u8]) -> Role {
        let place = |names: &[String]| names.iter().position(|known| known.as_bytes() == name).map(|at| at as u8);
        let spelt = |names: &[String]| {
            let field = Some(Field::by_name(name)?);
            names.iter().position(|known| Field::by_name(known.as_bytes()) == field).map(|at| at as u8)
        };
        if let Some(rank) = place(&self.fields) {
            Role::Field(rank)
        } else if name == OWN.as_bytes() {
            Role::Own
        } else if ENVELOPES.iter().any(|known| known.as_bytes() == name) {
            Role::Envelope
        } else if let Some(column) = self.columns.as_deref().and_then(|names| place(names).or_else(|| spelt(names))) {
            Role::Column(column)
        } else {
            Role::Other
        }
    }
}

/// Roles as bytes: columns from 0, fields from [`FIELDS`], and three more.
const FIELDS: u8 = 0xe0;
const OWN_ROLE: u8 = 0xfd;
const ENVELOPE: u8 = 0xfe;
const OTHER: u8 = 0xff;

/// Columns that a bit each can stand for; window mode has at most 19.
const MOST_COLUMNS: usize = 64;

/// The longest text before a payload that is compared as a whole.
const LONGEST_PREFIX: usize = 1024;

/// The string whose inside begins at `start`, of a record that is UTF-8.
#[inline(never)]
fn any_string(record: &[u8], start: usize) -> Option<Payload<'_>> {
    let mut scanner = Scanner::strict(utf8(record).ok()?);
    scanner.at = start;
    scanner.string_rest().ok().map(|Text { raw, escaped }| Payload::of(raw, escaped))
}

/// A value, of a string what is between the quotes.
fn inside(value: Located) -> Located {
    match value.kind {
        Kind::String { .. } => Located { start: value.start + 1, end: value.end - 1, ..value },
        _ => value,
    }
}

/// Whether a text starts with another, by whole words where there are some.
#[inline]
fn starts_with(text: &[u8], prefix: &[u8]) -> bool {
    let mut at = 0;
    while let Some(expected) = word(prefix, at) {
        if word(text, at) != Some(expected) {
            return false;
        }
        at += 8;
    }
    let (rest, expected) = (text.get(at..), prefix.get(at..).unwrap_or_default());
    rest.is_some_and(|rest| rest.len() >= expected.len() && rest.iter().zip(expected).all(|(a, b)| a == b))
}
