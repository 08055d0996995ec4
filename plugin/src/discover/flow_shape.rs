//! Recognises flow log lines, and guesses a custom format from its tokens.

use super::layout::PUBLISHED;
use crate::column::{Field, Kind};
use crate::flow::{Fit, Format, fit};

/// A format found, and how sure that is.
#[derive(Clone, Debug)]
pub(super) struct Recognised {
    pub(super) format: Format,
    /// `header`, `default`, `transit_gateway`, `published` or `guess`.
    pub(super) source: &'static str,
    /// Share of the sampled lines that fit, 0 to 1.
    pub(super) fits: f64,
    /// What to check, for a guess.
    pub(super) notes: Vec<String>,
}

/// At least this share of the lines must have the shape, so that a stray line does not change the answer.
const ENOUGH: f64 = 0.9;

/// The flow log format of these lines, if they are flow log lines.
pub(super) fn recognise(lines: &[&[u8]]) -> Option<Recognised> {
    if lines.is_empty() {
        return None;
    }
    if let Some(Ok(format)) = lines.iter().find_map(|line| Format::from_header(line)) {
        let data: Vec<_> =
            lines.iter().filter(|line| Format::from_header(line).is_none()).map(|line| split(line)).collect();
        let fits = share(&format, &data);
        return Some(Recognised { format, source: "header", fits, notes: Vec::new() });
    }
    let lines: Vec<_> = lines.iter().map(|line| split(line)).collect();
    for (text, source) in [("default", "default"), ("transit-gateway", "transit_gateway")]
        .into_iter()
        .chain(PUBLISHED.iter().map(|text| (*text, "published")))
    {
        let Ok(format) = Format::parse(text) else { continue };
        let fits = share(&format, &lines);
        if fits >= ENOUGH {
            return Some(Recognised { format, source, fits, notes: Vec::new() });
        }
    }
    guess(&lines)
}

#[inline(never)]
fn split<'a>(line: &&'a [u8]) -> Vec<&'a [u8]> {
    line.split(|byte| byte.is_ascii_whitespace()).filter(|token| !token.is_empty()).collect()
}

/// The share of the lines of which every token fits, and some token tells.
#[inline(never)]
fn share(format: &Format, lines: &[Vec<&[u8]>]) -> f64 {
    let fitting = lines.iter().filter(|tokens| {
        let verdicts = || format.columns().iter().zip(tokens.iter()).map(|(column, token)| fit(column.kind, token));
        tokens.len() == format.columns().len()
            && verdicts().all(|verdict| verdict != Fit::No)
            && verdicts().any(|verdict| matches!(verdict, Fit::Yes(weight) if weight > 1))
    });
    fitting.count() as f64 / lines.len().max(1) as f64
}

/// The fields that a token can tell by its shape alone, in the order in which columns of that shape are given to them.
const BY_SHAPE: [&[Field]; 13] = [
    &[Field::Action],
    &[Field::LogStatus],
    &[Field::InterfaceId, Field::NextHopInterfaceId],
    &[Field::VpcId, Field::NextHopVpcId],
    &[Field::SubnetId, Field::NextHopSubnetId],
    &[Field::InstanceId],
    &[Field::ResourceId],
    &[Field::TgwAttachmentId, Field::TgwPairAttachmentId],
    &[Field::TgwId],
    &[Field::Type],
    &[Field::FlowDirection],
    &[Field::SrcAddr, Field::DstAddr, Field::PktSrcAddr, Field::PktDstAddr],
    &[Field::AccountId],
];

/// Longer lines are not guessed: there are fewer fields than this.
const MAX_GUESSED: usize = 80;

/// The IANA protocols that make up nearly all traffic.
const PROTOCOLS: [i64; 11] = [0, 1, 2, 4, 6, 17, 41, 47, 50, 58, 132];

struct Guess<'a> {
    lines: Vec<&'a [&'a [u8]]>,
    fields: Vec<Option<Field>>,
    notes: Vec<String>,
}

/// Guesses the fields from what their tokens look like. None unless at least two kinds of tokens are telling.
#[inline(never)]
fn guess(lines: &[Vec<&[u8]>]) -> Option<Recognised> {
    // What enough lines have is the length of more than half, which this vote finds (Boyer and Moore).
    let (mut length, mut votes) = (0, 0);
    for line in lines {
        if votes == 0 {
            length = line.len();
        }
        if line.len() == length {
            votes += 1;
        } else {
            votes -= 1;
        }
    }
    let count = lines.iter().filter(|line| line.len() == length).count();
    let fits = count as f64 / lines.len() as f64;
    if fits < ENOUGH || !(3..=MAX_GUESSED).contains(&length) {
        return None;
    }
    let lines = lines.iter().filter(|line| line.len() == length).map(Vec::as_slice).collect();
    let mut guess = Guess { lines, fields: vec![None; length], notes: Vec::new() };
    let kinds = BY_SHAPE.iter().map(|fields| guess.by_shape(fields)).filter(|&found| found).count();
    if kinds < 2 {
        return None;
    }
    guess.times();
    guess.version();
    guess.protocol();
    // Two counters and two ports look alike where one is always much larger. Ports go with addresses.
    if guess.fields.contains(&Some(Field::SrcAddr)) {
        guess.ports();
    }
    guess.counters();
    guess.ports();
    let mut names = Vec::new();
    for (place, field) in (1..).zip(&guess.fields) {
        match field {
            Some(field) => names.push(field.name().to_owned()),
            None => {
                guess.notes.push(format!("column {place} is not recognised and is called `column-{place}`"));
                names.push(format!("column-{place}"));
            }
        }
    }
    let format = Format::parse(&names.join(" ")).ok()?;
    Some(Recognised { format, source: "guess", fits, notes: guess.notes })
}

impl Guess<'_> {
    /// The columns without a field in which every token, `-` aside, satisfies the test, and some token is there.
    #[inline(never)]
    fn free(&self, test: &dyn Fn(&[u8]) -> bool) -> Vec<usize> {
        let holds = |column: usize| {
            let mut tokens = self.lines.iter().map(|line| line[column]).filter(|token| *token != b"-").peekable();
            tokens.peek().is_some() && tokens.all(test)
        };
        (0..self.fields.len()).filter(|&column| self.fields[column].is_none() && holds(column)).collect()
    }

    #[inline(never)]
    fn numbers(&self, column: usize) -> Vec<i64> {
        let number = |line: &&[&[u8]]| std::str::from_utf8(line[column]).ok()?.parse().ok();
        self.lines.iter().filter_map(number).collect()
    }

    /// Whether some number of the column is above the limit.
    #[inline(never)]
    fn any_above(&self, column: usize, limit: i64) -> bool {
        self.numbers(column).iter().any(|number| *number > limit)
    }

    /// The free columns of numbers from `from` to `to`.
    #[inline(never)]
    fn integers(&self, from: i64, to: i64) -> Vec<usize> {
        let columns = self.free(&|token| matches!(fit(Kind::Integer { max: i64::MAX }, token), Fit::Yes(_)));
        columns.into_iter().filter(|&column| self.numbers(column).iter().all(|n| (from..=to).contains(n))).collect()
    }

    #[inline(never)]
    fn by_shape(&mut self, fields: &[Field]) -> bool {
        let kind = fields[0].info().kind;
        let columns = self.free(&|token| matches!(fit(kind, token), Fit::Yes(weight) if weight > 1));
        if fields.len() > 1 && columns.len() > 1 {
            let names: Vec<_> = fields.iter().take(columns.len()).map(|field| field.name()).collect();
            self.notes.push(format!("{} look alike: they are taken in this order", names.join(", ")));
        }
        for (&column, &field) in columns.iter().zip(fields) {
            self.fields[column] = Some(field);
        }
        !columns.is_empty()
    }

    /// Unix seconds from 2001 to 2100: the earlier is the start.
    fn times(&mut self) {
        let columns = self.integers(1_000_000_000, 4_100_000_000);
        match columns[..] {
            [one] => {
                self.fields[one] = Some(Field::Start);
                self.notes.push("one column of times: taken as start, it may be end".to_owned());
            }
            [one, other] => {
                let in_order = self.numbers(one).iter().zip(&self.numbers(other)).all(|(one, other)| one <= other);
                let (start, end) = if in_order { (one, other) } else { (other, one) };
                self.fields[start] = Some(Field::Start);
                self.fields[end] = Some(Field::End);
            }
            _ => {}
        }
    }

    fn version(&mut self) {
        let columns = self.integers(2, 11);
        let constant = columns.into_iter().find(|&column| {
            let numbers = self.numbers(column);
            numbers.iter().all(|number| *number == numbers[0] && *number != 6)
        });
        if let Some(column) = constant {
            self.fields[column] = Some(Field::Version);
        }
    }

    fn protocol(&mut self) {
        let is_protocol = |&column: &usize| {
            self.numbers(column).iter().all(|number| PROTOCOLS.contains(number)) && self.any_above(column, 5)
        };
        if let Some(column) = self.integers(0, 255).into_iter().find(is_protocol) {
            self.fields[column] = Some(Field::Protocol);
        }
    }

    /// Two neighbouring columns of port numbers, rather not two that could be counters.
    fn ports(&mut self) {
        if self.fields.contains(&Some(Field::SrcPort)) {
            return;
        }
        let columns = self.integers(0, 65_535);
        let wide = |column: usize| self.any_above(column, 255);
        let pairs = || columns.windows(2).filter(|pair| pair[1] == pair[0] + 1 && (wide(pair[0]) || wide(pair[1])));
        let counters = |pair: &&[usize]| self.are_counters(pair[0], pair[1]) || self.are_counters(pair[1], pair[0]);
        if let Some(&[source, destination]) = pairs().find(|pair| !counters(pair)).or_else(|| pairs().next()) {
            self.fields[source] = Some(Field::SrcPort);
            self.fields[destination] = Some(Field::DstPort);
            self.notes.push("srcport and dstport are two neighbouring columns of numbers up to 65535".to_owned());
        }
    }

    /// A packet has at least 20 bytes (an IPv4 header): of two counters the bytes are those that are always 20 times more.
    #[inline(never)]
    fn are_counters(&self, packets: usize, bytes: usize) -> bool {
        let fits = |(packets, bytes): (&i64, &i64)| packets.saturating_mul(20) <= *bytes;
        packets != bytes
            && self.any_above(packets, 0)
            && self.any_above(bytes, 0)
            && self.numbers(packets).iter().zip(&self.numbers(bytes)).all(fits)
    }

    fn counters(&mut self) {
        let columns = self.integers(0, i64::MAX);
        for &packets in &columns {
            if let Some(&bytes) = columns.iter().find(|&&bytes| self.are_counters(packets, bytes)) {
                self.fields[packets] = Some(Field::Packets);
                self.fields[bytes] = Some(Field::Bytes);
                return;
            }
        }
    }
}
