//! Records inside documents that are no envelope known by its keys: a flow log line under `message`, `log`, `event` or any
//! other name, as often as there is one (`aws logs filter-log-events`, Logs Insights, SNS, SQS, Kafka, Elasticsearch). They
//! are found by content: a text is opened if the sink takes it for a record, if it is base64 of a layer, or if it is JSON
//! that holds such a text.

use super::engine::Engine;
use super::layer::{self, Base64};
use super::outcome::{Context, Sink};
use crate::json::{Malformed, Scanner};

/// The shortest text worth a look: a line has several fields.
const SHORTEST: usize = 12;

/// JSON inside texts of JSON that is looked into.
const DEEPEST: usize = 4;

impl<S: Sink + ?Sized> Engine<'_, S> {
    /// Decodes the texts inside a document that are records or hold some; false, with nothing decoded, if there are none.
    pub(super) fn wrapped(&mut self, json: &[u8], context: &Context<'_>, depth: usize) -> bool {
        let mut found = false;
        let mut each = |engine: &mut Self, text: &[u8]| {
            if engine.is_wrapped(text, 0) {
                found = true;
                engine.unit(text, context, depth + 1);
            }
            false
        };
        // What is malformed has been told.
        let _ = self.texts(&mut Scanner::lax(json, 0), &mut each);
        found
    }

    /// Whether a text is a record, or holds some.
    pub(super) fn is_wrapped(&mut self, text: &[u8], level: usize) -> bool {
        let text = text.trim_ascii();
        match text.first() {
            Some(b'{' | b'[') if level < DEEPEST => {
                let mut scanner = Scanner::lax(text, 0);
                let mut each = |engine: &mut Self, text: &[u8]| engine.is_wrapped(text, level + 1);
                self.texts(&mut scanner, &mut each).unwrap_or(false)
            }
            Some(b'{' | b'[') | None => false,
            Some(_) if self.opens(text) => true,
            Some(_) => {
                let mut scratch = self.lend_arena();
                let kind = layer::is_base64(text, &mut scratch);
                self.return_arena(scratch);
                kind == Base64::Certain
            }
        }
    }

    /// Hands each text of the value at the scanner's position to `each`, until that says true.
    fn texts(
        &mut self,
        scanner: &mut Scanner<'_>,
        each: &mut dyn FnMut(&mut Self, &[u8]) -> bool,
    ) -> Result<bool, Malformed> {
        // Brackets that are open, so that no depth of the document costs stack.
        let mut open: Vec<(u8, bool)> = Vec::new();
        loop {
            match scanner.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    scanner.open(bracket)?;
                    open.push((bracket, true));
                }
                Some(b'"') => {
                    let string = scanner.string()?;
                    if string.raw.len() >= SHORTEST {
                        let mut text = self.lend_text();
                        string.unescape(&mut text);
                        let is_enough = each(self, &text);
                        self.return_text(text);
                        if is_enough {
                            return Ok(true);
                        }
                    }
                }
                _ => drop(scanner.skip()?),
            }
            // On to the next value, out of what has ended.
            loop {
                let Some((bracket, first)) = open.last_mut() else { return Ok(false) };
                let goes_on = match bracket {
                    b'{' => scanner.key(first)?.is_some(),
                    _ => scanner.element(first, b']')?,
                };
                if goes_on {
                    break;
                }
                open.pop();
            }
        }
    }
}
