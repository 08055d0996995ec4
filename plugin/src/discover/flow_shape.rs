//! Recognises flow log lines that have none of the formats which need no configuration.

use super::guess::{self, guess, key};
use super::layout;
use super::shape::shape;
use crate::column::{Field, Kind};
use crate::flow::{Fit, Format};
use crate::order;
use crate::text::digits::natural;

/// The tokens of a line.
pub(super) type Tokens<'a> = Vec<&'a [u8]>;

/// A format found, and how sure that is.
#[derive(Clone, Debug)]
pub(super) struct Recognised {
    pub(super) format: Format,
    /// `default`, `transit_gateway`, `published` or `guess`.
    pub(super) source: &'static str,
    /// How many lines have it.
    pub(super) lines: usize,
    /// What to check, for a guess.
    pub(super) notes: Vec<String>,
    /// What cannot be told, though it matters: then it is not to be used.
    pub(super) unclear: Vec<String>,
}

/// At least this share of the lines of one length must have the shape, so that a stray line does not change the answer.
const ENOUGH: f64 = 0.9;

/// Lengths of lines that are looked at.
const LENGTHS: usize = 4;

/// The formats of these lines, those of most lines first; nothing if they are no flow log lines. Lines that are something else
/// may be between them.
pub(super) fn recognise(lines: &[&[u8]]) -> Vec<Recognised> {
    of_tokens(lines.iter().map(|line| split(line)).collect())
}

/// As [`recognise`], of lines that are split.
pub(super) fn of_tokens(mut lines: Vec<Tokens<'_>>) -> Vec<Recognised> {
    let all = lines.len();
    order::sort_by_key(&mut lines, Vec::len);
    let mut groups: Vec<&[Tokens<'_>]> = lines.chunk_by(|a, b| a.len() == b.len()).collect();
    order::sort_by_key(&mut groups, |group| std::cmp::Reverse(group.len()));
    groups.retain(|group| group.len() * 10 >= all);
    groups.iter().take(LENGTHS).filter_map(|group| of_group(group)).collect()
}

/// Whether a text, wherever it stands, looks like a flow log line of any format.
pub(super) fn looks_like_a_line(text: &[u8]) -> bool {
    let tokens = split(text);
    let is_telling = |token: &&[u8]| {
        [Field::InterfaceId, Field::TgwAttachmentId, Field::VpcId, Field::SubnetId, Field::Action, Field::LogStatus]
            .iter()
            .any(|field| matches!(shape(*field, token), Fit::Yes(_)))
    };
    let is_value = |token: &&[u8]| {
        natural(token).is_some()
            || *token == b"-"
            || matches!(shape(Field::SrcAddr, token), Fit::Yes(_))
            || is_telling(token)
    };
    (4..=100).contains(&tokens.len())
        && !text.contains(&b'\n')
        && tokens.iter().any(is_telling)
        && tokens.iter().filter(|token| is_value(token)).count() * 3 >= tokens.len() * 2
}

fn split(line: &[u8]) -> Tokens<'_> {
    line.split(|byte| byte.is_ascii_whitespace()).filter(|token| !token.is_empty()).collect()
}

/// The format of lines of one length.
#[inline(never)]
fn of_group(lines: &[Tokens<'_>]) -> Option<Recognised> {
    let length = lines.first()?.len();
    let mut best: Option<(layout::Layout, u32)> = None;
    for layout in layout::of_length(length) {
        if let Some(weight) = fits(&layout.fields, lines)
            && best.as_ref().is_none_or(|(_, most)| weight > *most)
        {
            best = Some((layout, weight));
        }
    }
    if let Some((layout, _)) = best {
        let (mut notes, mut unclear) = (Vec::new(), Vec::new());
        match key(|field| layout.fields.contains(&field)) {
            None => unclear.push("the format has no field that tells the series, such as the interface".to_owned()),
            Some(_) if !layout.fields.iter().any(|field| matches!(field, Field::Start | Field::End)) => {
                notes.push("the format has no times: those of the CloudWatch events are taken".to_owned());
            }
            Some(_) => {}
        }
        let format = Format::from_fields(&layout.fields);
        return Some(Recognised { format, source: layout.source, lines: lines.len(), notes, unclear });
    }
    let guess::Guess { fields, mut notes, unclear } = guess(lines)?;
    let mut names = Vec::new();
    for (place, field) in (1..).zip(&fields) {
        match field {
            Some(field) => names.push(field.name().to_owned()),
            None => {
                notes.push(format!("column {place} is not recognised and is called `column-{place}`"));
                names.push(format!("column-{place}"));
            }
        }
    }
    let format = Format::parse(&names.join(" ")).ok()?;
    Some(Recognised { format, source: "guess", lines: lines.len(), notes, unclear })
}

/// How much of the lines speaks for a layout; none if too much speaks against it.
#[inline(never)]
fn fits(fields: &[Field], lines: &[Tokens<'_>]) -> Option<u32> {
    let place = |wanted: Field| fields.iter().position(|field| *field == wanted);
    let counters = place(Field::Packets).zip(place(Field::Bytes));
    let (mut fitting, mut weight) = (0_usize, 0_u32);
    for tokens in lines {
        let mut verdicts = fields.iter().zip(tokens).map(|(field, token)| shape(*field, token));
        let mut of_line = 0;
        let is_fitting = verdicts.all(|verdict| match verdict {
            Fit::No => false,
            Fit::Neutral => true,
            Fit::Yes(weight) => {
                of_line += weight;
                true
            }
        });
        let is_counted =
            counters.is_none_or(|(packets, bytes)| match (natural(tokens[packets]), natural(tokens[bytes])) {
                (Some(packets), Some(bytes)) => packets <= bytes,
                _ => true,
            });
        // Some token has to tell that it is a flow log line at all.
        let is_telling = |(field, token): (&Field, &&[u8])| {
            !matches!(field.info().kind, Kind::Integer { .. })
                && matches!(shape(*field, token), Fit::Yes(weight) if weight > 1)
        };
        if is_fitting && is_counted && fields.iter().zip(tokens).any(is_telling) {
            fitting += 1;
            weight += of_line;
        }
    }
    (fitting as f64 >= ENOUGH * lines.len() as f64).then_some(weight)
}
