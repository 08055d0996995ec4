//! Results of CloudWatch Logs Insights (`aws logs get-query-results`): arrays of `{"field":…,"value":…}`, one a row, under the
//! names that the query gave. Rows with a `@message` that is a record are opened by it, as texts in any document are.

use super::engine::Engine;
use super::outcome::{Context, Leaf, Sink};
use crate::json::{Malformed, Scanner};

/// What Insights adds to each row to find it again.
const POINTER: &[u8] = b"@ptr";

impl<S: Sink + ?Sized> Engine<'_, S> {
    /// Passes on each row of the array at `at` in a document as an object of its own; false, with nothing passed on, if it is
    /// no such array or empty. `offset` is where the document stands.
    pub(super) fn query_results(&mut self, document: &[u8], at: usize, offset: usize, context: &Context<'_>) -> bool {
        let rows = |each: &mut dyn FnMut(&[u8], usize)| {
            let mut scanner = Scanner::lax(document, 0);
            scanner.at = at;
            rows(&mut scanner, each)
        };
        // First whether all of it is so: a row that was passed on cannot be taken back.
        let mut count = 0;
        if !rows(&mut |_, _| count += 1).unwrap_or(false) || count == 0 {
            return false;
        }
        let passed_on = rows(&mut |object, at| {
            if !self.stopped() {
                self.leaf(Leaf::Object(object), offset + at, context);
            }
        });
        passed_on.unwrap_or(false)
    }
}

/// Hands each row to `each`, as an object, with its place; false if there is something else.
fn rows(scanner: &mut Scanner<'_>, each: &mut dyn FnMut(&[u8], usize)) -> Result<bool, Malformed> {
    let mut object = Vec::new();
    let mut first = true;
    scanner.open(b'[')?;
    while scanner.element(&mut first, b']')? {
        if scanner.peek() != Some(b'[') {
            return Ok(false);
        }
        let at = scanner.at;
        object.clear();
        object.push(b'{');
        let mut first = true;
        scanner.open(b'[')?;
        while scanner.element(&mut first, b']')? {
            if scanner.peek() != Some(b'{') || !member(scanner, &mut object)? {
                return Ok(false);
            }
        }
        object.push(b'}');
        each(&object, at);
    }
    Ok(true)
}

/// Appends `{"field":"name","value":"text"}` as a member; false if it is something else.
fn member(scanner: &mut Scanner<'_>, object: &mut Vec<u8>) -> Result<bool, Malformed> {
    let (mut field, mut value) = (None, None);
    let mut first = true;
    scanner.open(b'{')?;
    while let Some(key) = scanner.key(&mut first)? {
        match key.raw {
            b"field" => field = scanner.string_value()?,
            b"value" => value = Some(scanner.skip()?),
            _ => drop(scanner.skip()?),
        }
    }
    let Some(field) = field else { return Ok(false) };
    if field.raw != POINTER {
        if object.len() > 1 {
            object.push(b',');
        }
        object.push(b'"');
        object.extend_from_slice(field.raw);
        object.extend_from_slice(b"\":");
        object.extend_from_slice(value.unwrap_or(b"null"));
    }
    Ok(true)
}
