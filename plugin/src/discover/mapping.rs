//! Rows whose members have other names than flow log fields: which of them are meant, by their names and by what they hold.

use super::column::{Profile, Type, words};
use super::columns::Columns;
use super::guess::key;
use super::shape::shape;
use crate::column::Field;
use crate::flow::Fit;

/// What `input.fields` is to say.
#[derive(Debug, Default)]
pub(super) struct Mapping {
    /// Fields with the paths of the columns that hold them.
    pub(super) fields: Vec<(String, String)>,
    /// What tells the series, if it is no interface.
    pub(super) by: Option<String>,
    /// What cannot be told, though windows need it.
    pub(super) unclear: Vec<String>,
}

/// By what a column is taken for a field.
struct Rule {
    field: Field,
    /// Some word of the column's path has to be one of these.
    words: &'static [&'static str],
    /// And some word one of these, if there are any.
    also: &'static [&'static str],
    holds: fn(&Profile) -> bool,
}

const SOURCE: &[&str] = &["src", "source", "client", "from", "saddr", "srcip", "srcaddr", "sport", "srcport", "orig"];
const DESTINATION: &[&str] =
    &["dst", "dest", "destination", "server", "to", "daddr", "dstip", "dstaddr", "dport", "dstport", "resp"];
const PORT: &[&str] = &["port", "sport", "dport", "srcport", "dstport"];

fn is_number(profile: &Profile) -> bool {
    matches!(profile.column_type(), Type::Integer | Type::Number)
}

fn is_address(profile: &Profile) -> bool {
    profile.column_type() == Type::Ip
}

fn is_text(profile: &Profile) -> bool {
    profile.column_type() == Type::String
}

#[rustfmt::skip]
const RULES: [Rule; 10] = [
    Rule { field: Field::InterfaceId, words: &["nic", "interface", "eni", "iface", "ifname", "networkinterface"], also: &[], holds: is_text },
    Rule { field: Field::Start, words: &["start", "begin", "first", "from", "opened", "started"], also: &[], holds: Profile::holds_times },
    Rule { field: Field::End, words: &["end", "stop", "last", "to", "closed", "ended", "finish"], also: &[], holds: Profile::holds_times },
    Rule { field: Field::Bytes, words: &["bytes", "byte", "octets", "octet"], also: &[], holds: is_number },
    Rule { field: Field::Packets, words: &["packets", "packet", "pkts", "pkt"], also: &[], holds: is_number },
    Rule { field: Field::SrcAddr, words: SOURCE, also: &[], holds: is_address },
    Rule { field: Field::DstAddr, words: DESTINATION, also: &[], holds: is_address },
    Rule { field: Field::SrcPort, words: PORT, also: SOURCE, holds: is_number },
    Rule { field: Field::DstPort, words: PORT, also: DESTINATION, holds: is_number },
    Rule { field: Field::Protocol, words: &["protocol", "proto"], also: &[], holds: is_number },
];

/// The fields that the columns hold; none if there is no time, no series or no number of bytes among them.
pub(super) fn map(columns: &Columns) -> Option<Mapping> {
    let mut mapping = Mapping::default();
    let profiles = &columns.profiles;
    let mut found = Vec::new();
    for rule in &RULES {
        // A member of the row itself that has the field's name is read without being told.
        let is_read = |profile: &&Profile| {
            profile.path == profile.name && Field::by_name(profile.name.as_bytes()) == Some(rule.field)
        };
        if profiles.iter().any(|profile| is_read(&profile)) {
            found.push(rule.field);
            continue;
        }
        match candidates(rule, profiles)[..] {
            [] => {}
            [one] => {
                found.push(rule.field);
                mapping.fields.push((rule.field.snake_name(), one.path.clone()));
            }
            ref several => mapping.is_unclear(rule.field, several),
        }
    }
    if !found.contains(&Field::Start) && !mapping.unclear.iter().any(|message| message.starts_with("start")) {
        times(profiles, &mut mapping, &mut found);
    }
    if !found.contains(&Field::InterfaceId) {
        let path =
            |field: Field| profiles.iter().find(|profile| Field::by_name(profile.name.as_bytes()) == Some(field));
        if let Some(profile) = key(|field| path(field).is_some()).and_then(path) {
            found.push(Field::InterfaceId);
            mapping.by = Some(profile.path.clone());
        }
    }
    let has = |field: Field, name: &str| {
        found.contains(&field) || mapping.unclear.iter().any(|message| message.starts_with(name))
    };
    let is_flow = has(Field::Bytes, "bytes") && has(Field::InterfaceId, "interface_id") && has(Field::Start, "start");
    is_flow.then_some(mapping)
}

impl Mapping {
    /// Several columns may hold a field: said, if windows need it.
    fn is_unclear(&mut self, field: Field, columns: &[&Profile]) {
        if matches!(field, Field::InterfaceId | Field::Start | Field::Bytes) {
            let name = field.snake_name();
            let paths: Vec<_> = columns.iter().map(|profile| format!("`{}`", profile.path)).collect();
            let paths = paths.join(", ");
            self.unclear.push(format!("{name} may be any of {paths}: say in input.fields.{name} which it is"));
        }
    }
}

/// The columns that may hold a field: those that have its name somewhere inside, else those that hold nothing but its values,
/// else those whose words say so.
fn candidates<'a>(rule: &Rule, profiles: &'a [Profile]) -> Vec<&'a Profile> {
    let is_named =
        |profile: &&Profile| Field::by_name(profile.name.as_bytes()) == Some(rule.field) && (rule.holds)(profile);
    let holds = |profile: &&Profile| {
        rule.field == Field::InterfaceId
            && profile.all(|value| matches!(shape(Field::InterfaceId, value.as_bytes()), Fit::Yes(_)))
    };
    let says = |profile: &&Profile| {
        let words = words(&profile.path);
        let has = |list: &[&str]| list.is_empty() || words.iter().any(|word| list.contains(&&word[..]));
        // What another field is known by is not this one.
        let is_other = profile.path == profile.name && Field::by_name(profile.name.as_bytes()).is_some();
        has(rule.words) && has(rule.also) && !is_other && (rule.holds)(profile)
    };
    for test in [&is_named as &dyn Fn(&&Profile) -> bool, &holds, &says] {
        let found: Vec<_> = profiles.iter().filter(|profile| test(profile)).collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// Times whose names do not say which is the start: one alone, or of two the earlier.
fn times(profiles: &[Profile], mapping: &mut Mapping, found: &mut Vec<Field>) {
    let is_end = |profile: &Profile| mapping.fields.iter().any(|(_, path)| *path == profile.path);
    let times: Vec<_> = profiles.iter().filter(|profile| profile.holds_times() && !is_end(profile)).collect();
    let (start, end) = match times[..] {
        [] => return,
        [one] => (one, None),
        [one, other] if !found.contains(&Field::End) && one.is_before(other) && !other.is_before(one) => {
            (one, Some(other))
        }
        [one, other] if !found.contains(&Field::End) && other.is_before(one) && !one.is_before(other) => {
            (other, Some(one))
        }
        ref several => return mapping.is_unclear(Field::Start, several),
    };
    found.push(Field::Start);
    mapping.fields.push(("start".to_owned(), start.path.clone()));
    if let Some(end) = end {
        mapping.fields.push(("end".to_owned(), end.path.clone()));
    }
}
