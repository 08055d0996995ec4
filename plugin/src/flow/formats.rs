//! The formats that a stream's lines may have, and the choice between them.

use super::fit::{Fit, fit};
use super::format::Format;
use super::tokens::Span;
use crate::column::Field;

/// Candidate formats, in order of preference.
///
/// A line's format is chosen by its number of tokens. When several candidates have that number, the one with the fewest
/// tokens of the wrong shape wins, then the one with the most of an unlikely shape, then the earlier one. The choice
/// depends on the line alone, never on the lines before it, so that splitting or joining batches changes nothing; it
/// costs nothing while the candidates differ in length.
#[derive(Clone, Debug)]
pub struct Formats {
    candidates: Vec<Format>,
    /// Whether no other candidate has as many columns.
    has_own_length: Vec<bool>,
}

/// The two formats AWS has when none is chosen: 14 fields for a VPC, 36 for a transit gateway.
impl Default for Formats {
    fn default() -> Self {
        Formats::new(vec![Format::default_format(), Format::transit_gateway()])
    }
}

impl Formats {
    /// These candidates, in order of preference; the default ones if there are none.
    pub fn new(candidates: Vec<Format>) -> Formats {
        if candidates.is_empty() {
            return Formats::default();
        }
        let length = |format: &Format| format.columns().len();
        let has_own_length =
            candidates.iter().map(|one| candidates.iter().filter(|other| length(other) == length(one)).count() == 1);
        let has_own_length = has_own_length.collect();
        Formats { candidates, has_own_length }
    }

    /// The candidates, in order of preference.
    pub fn candidates(&self) -> &[Format] {
        &self.candidates
    }

    /// The candidate for a line of `count` tokens, of which `spans` holds the first ones.
    pub(super) fn choose(&self, line: &[u8], spans: &[Span], count: usize) -> Option<usize> {
        let candidates = self.candidates.iter().enumerate();
        let mut matching = candidates.filter(|(_, format)| format.columns().len() == count);
        let first = matching.next()?;
        let Some(second) = matching.next() else { return Some(first.0) };
        let mut best = (first.0, rank(first.1, line, spans));
        for (candidate, format) in std::iter::once(second).chain(matching) {
            let rank = rank(format, line, spans);
            if rank > best.1 {
                best = (candidate, rank);
            }
        }
        Some(best.0)
    }

    /// How unlikely it is that a line has this format by chance; 0 if one of its tokens speaks against it.
    pub(super) fn evidence(&self, candidate: usize, line: &[u8], spans: &[Span]) -> u32 {
        match self.candidates.get(candidate).map(|format| rank(format, line, spans)) {
            Some((0, evidence)) => evidence,
            _ => 0,
        }
    }

    /// The candidate at this place, if its length alone tells that a line has it.
    #[inline]
    pub(crate) fn told_by_length(&self, candidate: usize) -> Option<&Format> {
        self.candidates.get(candidate).filter(|_| self.has_own_length[candidate])
    }

    /// The candidate that holds exactly these known fields and nothing else.
    pub(crate) fn holding(&self, fields: u128) -> Option<&Format> {
        self.candidates.iter().find(|format| format.known() == (fields, true))
    }

    /// Whether these known fields are all the columns that some candidate has.
    pub(crate) fn covered_by(&self, fields: u128) -> bool {
        self.candidates.iter().any(|format| {
            let (mask, all_known) = format.known();
            all_known && mask & fields == mask
        })
    }

    /// For messages: `14 (default), 36 (transit-gateway), 21 (${version} ${vpc-id} …)`.
    pub(crate) fn summary(&self) -> String {
        let each = self.candidates.iter().take(8).map(|format| {
            let columns = format.columns();
            let name = match (columns.len(), format.known()) {
                (14, known) if known == Format::default_format().known() => "default".to_owned(),
                (36, _) if format.column_of(Field::TgwId).is_some() => "transit-gateway".to_owned(),
                (length, _) => {
                    let start: Vec<_> = columns.iter().take(3).map(|column| format!("${{{}}}", column.name)).collect();
                    format!("{}{}", start.join(" "), if length > 3 { " …" } else { "" })
                }
            };
            format!("{} ({name})", columns.len())
        });
        let more = if self.candidates.len() > 8 { ", …" } else { "" };
        each.collect::<Vec<_>>().join(", ") + more
    }
}

/// How well a line fits, to be compared: tokens of the wrong shape count first, then the weight of those of an unlikely shape.
fn rank(format: &Format, line: &[u8], spans: &[Span]) -> (i64, u32) {
    let (mut misfits, mut evidence) = (0, 0);
    for (column, span) in format.columns().iter().zip(spans) {
        match fit(column.kind, span.of(line)) {
            Fit::No => misfits -= 1,
            Fit::Neutral => {}
            Fit::Yes(weight) => evidence += weight,
        }
    }
    (misfits, evidence)
}
