//! Guesses a custom format from its tokens, as far as they tell.
//!
//! What decides which series a record is in, when, and how much it counts must be certain; of other columns those that are not
//! are kept as text.

use super::counters::{Counters, counters};
use super::flow_shape::Tokens;
use super::shape::{is_account, is_time, shape};
use crate::column::Field;
use crate::flow::Fit;
use crate::order;
use crate::text::digits::natural;

/// What was guessed.
#[derive(Debug)]
pub(super) struct Guess {
    /// The field of each column that is told.
    pub(super) fields: Vec<Option<Field>>,
    /// What to check.
    pub(super) notes: Vec<String>,
    /// What cannot be told, though it matters; nothing if the guess can be used.
    pub(super) unclear: Vec<String>,
}

/// Fields that a token tells by its shape. Of several that look alike only one can be told from the others, if it is the
/// only one there.
const BY_SHAPE: [&[Field]; 19] = [
    &[Field::Action],
    &[Field::LogStatus],
    &[Field::InterfaceId, Field::TgwSrcEni, Field::TgwDstEni, Field::NextHopInterfaceId],
    &[Field::TgwAttachmentId, Field::TgwPairAttachmentId],
    &[Field::VpcId, Field::TgwSrcVpcId, Field::TgwDstVpcId, Field::NextHopVpcId],
    &[Field::SubnetId, Field::TgwSrcSubnetId, Field::TgwDstSubnetId, Field::NextHopSubnetId],
    &[Field::InstanceId],
    &[Field::ResourceId],
    &[Field::TgwId],
    &[Field::ResourceType],
    &[Field::Type],
    &[Field::FlowDirection],
    &[Field::Region],
    &[Field::AzId, Field::TgwSrcAzId, Field::TgwDstAzId, Field::NextHopAzId],
    &[Field::EcsClusterArn],
    &[Field::EcsContainerInstanceArn],
    &[Field::EcsTaskDefinitionArn],
    &[Field::EcsTaskArn],
    &[Field::SrcAddr, Field::DstAddr],
];

/// The fields by which records are put into series where there is no interface.
const KEYS: [Field; 8] = [
    Field::InterfaceId,
    Field::TgwAttachmentId,
    Field::InstanceId,
    Field::ResourceId,
    Field::SubnetId,
    Field::VpcId,
    Field::AzId,
    Field::AccountId,
];

/// The field of a format that tells the series.
pub(super) fn key(has: impl Fn(Field) -> bool) -> Option<Field> {
    KEYS.into_iter().find(|field| has(*field))
}

/// Longer lines are not guessed: there are fewer fields than this.
const MAX_GUESSED: usize = 80;

/// The IANA protocols that make up nearly all traffic.
const PROTOCOLS: [i64; 11] = [0, 1, 2, 4, 6, 17, 41, 47, 50, 58, 132];

/// Seconds that a flow log record may cover, at most.
const LONGEST: i64 = 3_600;

/// Guesses the fields of lines that have as many tokens each. None unless at least two kinds of tokens are telling.
#[inline(never)]
pub(super) fn guess(lines: &[Tokens<'_>]) -> Option<Guess> {
    let length = lines.first().map_or(0, Vec::len);
    if !(3..=MAX_GUESSED).contains(&length) {
        return None;
    }
    let is_gateway = lines.iter().flatten().any(|token| token.starts_with(b"tgw-"));
    let mut guessing =
        Guessing { lines, fields: vec![None; length], is_gateway, notes: Vec::new(), unclear: Vec::new() };
    let kinds = BY_SHAPE.iter().map(|fields| guessing.by_shape(fields)).filter(|found| *found).count();
    let accounts = guessing.columns(&is_account);
    if let ([account], false) = (&accounts[..], is_gateway) {
        guessing.fields[*account] = Some(Field::AccountId);
    }
    if kinds + usize::from(!accounts.is_empty()) < 2 {
        return None;
    }
    // Lines of a program have words between their values.
    let values =
        guessing.columns(&|token| natural(token).is_some() || matches!(shape(Field::SrcAddr, token), Fit::Yes(_)));
    let told = guessing.fields.iter().flatten().count() + values.len();
    if told * 3 < length * 2 {
        return None;
    }
    guessing.times();
    guessing.numbers(&accounts);
    let Guessing { fields, notes, mut unclear, .. } = guessing;
    if key(|field| fields.contains(&Some(field))).is_none() {
        unclear.push("no column tells the series, such as the interface".to_owned());
    }
    Some(Guess { fields, notes, unclear })
}

struct Guessing<'l, 't> {
    lines: &'l [Tokens<'t>],
    fields: Vec<Option<Field>>,
    /// The lines are those of a transit gateway, which have interfaces, networks and accounts of both sides.
    is_gateway: bool,
    notes: Vec<String>,
    unclear: Vec<String>,
}

impl Guessing<'_, '_> {
    /// The columns without a field in which every token, `-` aside, satisfies the test, and some token is there.
    #[inline(never)]
    fn columns(&self, test: &dyn Fn(&[u8]) -> bool) -> Vec<usize> {
        let holds = |column: usize| {
            let mut tokens = self.lines.iter().map(|line| line[column]).filter(|token| *token != b"-").peekable();
            tokens.peek().is_some() && tokens.all(test)
        };
        (0..self.fields.len()).filter(|&column| self.fields[column].is_none() && holds(column)).collect()
    }

    /// Gives a column the field whose shape it has; whether there are such columns.
    #[inline(never)]
    fn by_shape(&mut self, fields: &[Field]) -> bool {
        let columns = self.columns(&|token| matches!(shape(fields[0], token), Fit::Yes(weight) if weight > 1));
        match (columns.as_slice(), fields) {
            ([], _) => return false,
            ([_], [Field::InterfaceId | Field::VpcId | Field::SubnetId | Field::AzId, ..]) if self.is_gateway => {}
            ([one], [field, ..]) => {
                self.fields[*one] = Some(*field);
                if *field == Field::SrcAddr {
                    self.notes.push(format!("column {} is the only one of addresses: taken as srcaddr", one + 1));
                }
            }
            ([one, other], [field @ Field::SrcAddr, next]) => {
                self.fields[*one] = Some(*field);
                self.fields[*other] = Some(*next);
                self.notes.push("srcaddr and dstaddr look alike: they are taken in this order".to_owned());
            }
            _ => {
                let message = format!("{} look alike: which is {} cannot be told", places(&columns), names(fields));
                let is_key = fields[0] == Field::TgwAttachmentId || fields[0] == Field::InterfaceId && !self.is_gateway;
                if is_key { self.unclear.push(message) } else { self.notes.push(message) }
            }
        }
        true
    }

    /// Times: the earlier is the start.
    fn times(&mut self) {
        let columns = self.columns(&is_time);
        match columns[..] {
            [] => self.notes.push("no column holds times: those of the CloudWatch events are taken".to_owned()),
            [one] => {
                self.fields[one] = Some(Field::Start);
                self.notes.push(format!("column {} is the only one of times: taken as start, it may be end", one + 1));
            }
            [one, other] => {
                let pairs = self.numbers_of(one).into_iter().zip(self.numbers_of(other));
                let pairs: Vec<_> = pairs.filter_map(|(one, other)| Some((one?, other?))).collect();
                // Milliseconds are a thousand times as many.
                let longest =
                    if pairs.iter().any(|(one, _)| *one > 100_000_000_000) { LONGEST * 1000 } else { LONGEST };
                if pairs.iter().all(|(one, other)| (0..=longest).contains(&(other - one))) {
                    (self.fields[one], self.fields[other]) = (Some(Field::Start), Some(Field::End));
                } else if pairs.iter().all(|(one, other)| (0..=longest).contains(&(one - other))) {
                    (self.fields[one], self.fields[other]) = (Some(Field::End), Some(Field::Start));
                } else {
                    let places = places(&columns);
                    self.unclear
                        .push(format!("{places} hold times, but neither is always the earlier by an hour at most"));
                }
            }
            _ => self.unclear.push(format!("{} hold times: which are start and end cannot be told", places(&columns))),
        }
    }

    fn numbers_of(&self, column: usize) -> Vec<Option<i64>> {
        self.lines.iter().map(|line| natural(line[column])).collect()
    }

    /// Version, protocol, counters and ports, all of which are whole numbers. Accounts are none of them.
    fn numbers(&mut self, accounts: &[usize]) {
        let columns = self.columns(&|token| natural(token).is_some());
        let columns = columns.into_iter().filter(|column| !accounts.contains(column));
        let mut columns: Vec<_> = columns.map(|column| (column, self.numbers_of(column))).collect();
        let all = |of: &[Option<i64>], test: &dyn Fn(i64) -> bool| of.iter().flatten().all(|number| test(*number));
        let is_constant =
            |of: &[Option<i64>]| of.iter().flatten().all(|number| Some(number) == of.iter().flatten().next());
        let is_version = |number: i64| (2..=11).contains(&number) && (number == 6) == self.is_gateway;
        columns.retain(|(column, of)| {
            let is_it = *column == 0 && is_constant(of) && all(of, &is_version);
            if is_it {
                self.fields[0] = Some(Field::Version);
            }
            !is_it
        });
        let is_protocol = |(_, of): &&(usize, Vec<Option<i64>>)| {
            all(of, &|number| PROTOCOLS.contains(&number))
                && of.iter().flatten().any(|number| [1, 6, 17, 58].contains(number))
        };
        let protocols: Vec<_> = columns.iter().filter(is_protocol).map(|(column, _)| *column).collect();
        if let [protocol] = protocols[..] {
            self.fields[protocol] = Some(Field::Protocol);
        }
        columns.retain(|(column, _)| !protocols.contains(column));
        let (constant, varied): (Vec<_>, Vec<_>) =
            columns.into_iter().partition(|(_, of)| self.lines.len() > 1 && is_constant(of));
        // Neither bytes nor packets are always the same; if all is, there is nothing to tell them by.
        match counters(&varied) {
            Counters::None if constant.is_empty() => {}
            Counters::Found(bytes, packets) => {
                self.fields[bytes] = Some(Field::Bytes);
                if let Some(packets) = packets {
                    self.fields[packets] = Some(Field::Packets);
                }
                self.ports(&varied, &constant);
            }
            Counters::None | Counters::Unclear => {
                let mut columns: Vec<_> = varied.iter().chain(&constant).map(|(column, _)| *column).collect();
                order::sort(&mut columns);
                let (places, lines) = (places(&columns), self.lines.len());
                let ending = if lines == 1 { "" } else { "s" };
                self.unclear.push(format!(
                    "which numbers are bytes, packets, ports or anything else cannot be told from {lines} line{ending}: {places}"
                ));
            }
        }
    }

    /// Two neighbouring columns of port numbers, if no other column may be one.
    fn ports(&mut self, varied: &[(usize, Vec<Option<i64>>)], constant: &[(usize, Vec<Option<i64>>)]) {
        let may_be_port = |(column, of): &&(usize, Vec<Option<i64>>)| {
            self.fields[*column].is_none()
                && of.iter().flatten().all(|number| *number <= 65_535)
                && of.iter().flatten().any(|number| *number > 255)
        };
        let mut columns: Vec<_> =
            varied.iter().chain(constant).filter(may_be_port).map(|(column, _)| *column).collect();
        order::sort(&mut columns);
        let has_packets = self.fields.contains(&Some(Field::Packets));
        if let ([source, destination], true) = (&columns[..], has_packets)
            && *destination == source + 1
            && self.fields.contains(&Some(Field::SrcAddr))
        {
            self.fields[*source] = Some(Field::SrcPort);
            self.fields[*destination] = Some(Field::DstPort);
            self.notes.push("srcport and dstport are two neighbouring columns of numbers up to 65535".to_owned());
        }
    }
}

fn names(fields: &[Field]) -> String {
    fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
}

/// `columns 3, 4 and 7`.
fn places(columns: &[usize]) -> String {
    let numbers: Vec<_> = columns.iter().map(|column| (column + 1).to_string()).collect();
    match &numbers[..] {
        [] => "no columns".to_owned(),
        [one] => format!("column {one}"),
        [first @ .., last] => format!("columns {} and {last}", first.join(", ")),
    }
}
