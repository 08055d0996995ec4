//! Flow log fields from the members of a flat JSON object.
//!
//! CloudWatch Logs adds `extractedFields` to an event when the filter pattern names the positions of the line: key = the
//! name in the pattern, value = the token as a string, for numbers and `-` too. Vector's `parse_aws_vpc_flow_log` gives
//! the same shape with numbers and nulls.

use super::format::Format;
use super::tokens::Span;
use crate::column::{FIELDS, Field, Names};
use crate::failure::{Failure, Layer};
use crate::json::{Kind, Scanner, utf8};

/// Where the value of each known field lies.
#[derive(Debug)]
pub(super) struct Members {
    values: [Span; Field::COUNT],
    /// The keys of the last object, as a guess for the next: they come in the same order as a rule, and comparing with
    /// a guess is quicker than looking a name up. The result does not depend on it.
    guesses: [u8; GUESSES],
}

const GUESSES: usize = 64;

impl Default for Members {
    fn default() -> Self {
        Members { values: [Span::default(); Field::COUNT], guesses: [0; GUESSES] }
    }
}

impl Members {
    pub(super) fn value(&self, field: Field) -> Span {
        self.values[field as usize]
    }

    fn field(&mut self, position: usize, key: &[u8], names: &Names) -> Option<Field> {
        let guess = self.guesses.get_mut(position);
        if let Some(guess) = &guess {
            let field = FIELDS[usize::from(**guess)].field;
            if field.is_named(key) {
                return Some(field);
            }
        }
        let field = names.field(std::str::from_utf8(key).ok()?)?;
        if let Some(guess) = guess {
            *guess = field as u8;
        }
        Some(field)
    }
}

/// What an object holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownFields<'a> {
    /// The JSON text, which the spans point into; it is UTF-8.
    pub(super) text: &'a [u8],
    /// The fields present, one bit each, by their place in the table.
    pub(super) fields: u128,
}

/// Finds the members that are flow log fields. A value of null leaves its span empty.
pub(super) fn scan<'a>(json: &'a [u8], members: &mut Members, names: &Names) -> Result<KnownFields<'a>, Failure> {
    let mut scanner = Scanner::strict(utf8(json)?);
    let mut fields = 0u128;
    scanner.open(b'{')?;
    let (mut first, mut position) = (true, 0);
    while let Some(key) = scanner.key(&mut first)? {
        let value = scanner.value()?;
        let known = if key.escaped { None } else { members.field(position, key.raw, names) };
        position += 1;
        let Some(field) = known else { continue };
        // As the table spells it, it goes before any other spelling.
        if fields & (1 << field as u32) != 0 && !field.is_named(key.raw) {
            continue;
        }
        let span = match value.kind {
            Kind::String { escaped: false } => (value.start + 1, value.end - 1),
            Kind::Number => (value.start, value.end),
            Kind::Null => (0, 0),
            _ => return Err(refuse(field, value.start)),
        };
        fields |= 1 << field as u32;
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        members.values[field as usize] = Span { start: narrow(span.0), end: narrow(span.1) };
    }
    scanner.finish()?;
    Ok(KnownFields { text: json, fields })
}

/// A format of these fields in table order.
pub(super) fn format_of(fields: u128) -> Format {
    let mut present = Vec::new();
    present.extend(FIELDS.iter().map(|info| info.field).filter(|&field| fields & (1 << field as u32) != 0));
    Format::from_fields(&present)
}

#[cold]
fn refuse(field: Field, offset: usize) -> Failure {
    let reason = format!("{} is neither a plain string nor a number nor null", field.name());
    Failure::new(Layer::FlowRecord, offset, reason)
}
