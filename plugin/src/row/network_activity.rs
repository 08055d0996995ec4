//! Network activity in the Open Cybersecurity Schema Framework (OCSF, class 4001), as Amazon Security Lake keeps flow logs:
//! nested objects whose members stand for flow log fields.
//!
//! Sources: OCSF 1.1, class "Network Activity"; the mapping of VPC flow logs in the OCSF examples repository, after which the
//! interface is the destination's for ingress and the source's for egress.

use std::borrow::Cow;

use super::object::object_members;
use super::{Cell, CellKind};
use crate::column::{Columns, Field};
use crate::json::{Malformed, Scanner};
use crate::text::decimal;

/// The member that says what an object is, and what it says here.
pub(super) const CLASS: &str = "class_uid";
pub(super) const NETWORK_ACTIVITY: &str = "4001";

/// Where a field's value is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// The first of these paths that is there.
    First(&'static [&'static str]),
    /// A path, or else the sum of the other two.
    Sum([&'static str; 3]),
    /// A member of the endpoint that the flow log's interface is at: of the source, of the destination.
    AtInterface([&'static str; 2]),
    /// What became of the traffic.
    Verdict,
}

/// Where each field is that these records have.
#[rustfmt::skip]
const PLACES: [(Field, Place); 21] = [
    (Field::InterfaceId, Place::AtInterface(["src_endpoint.interface_uid", "dst_endpoint.interface_uid"])),
    (Field::InstanceId, Place::AtInterface(["src_endpoint.instance_uid", "dst_endpoint.instance_uid"])),
    (Field::SubnetId, Place::AtInterface(["src_endpoint.subnet_uid", "dst_endpoint.subnet_uid"])),
    (Field::VpcId, Place::AtInterface(["src_endpoint.vpc_uid", "dst_endpoint.vpc_uid"])),
    (Field::AccountId, Place::First(&["cloud.account.uid", "cloud.account_uid"])),
    (Field::Region, Place::First(&["cloud.region"])),
    (Field::AzId, Place::First(&["cloud.zone"])),
    (Field::Start, Place::First(&["start_time", "time", "start_time_dt", "time_dt"])),
    (Field::End, Place::First(&["end_time", "end_time_dt"])),
    (Field::Bytes, Place::Sum(["traffic.bytes", "traffic.bytes_in", "traffic.bytes_out"])),
    (Field::Packets, Place::Sum(["traffic.packets", "traffic.packets_in", "traffic.packets_out"])),
    (Field::SrcAddr, Place::First(&["src_endpoint.ip"])),
    (Field::DstAddr, Place::First(&["dst_endpoint.ip"])),
    (Field::SrcPort, Place::First(&["src_endpoint.port"])),
    (Field::DstPort, Place::First(&["dst_endpoint.port"])),
    (Field::Protocol, Place::First(&["connection_info.protocol_num"])),
    (Field::TcpFlags, Place::First(&["connection_info.tcp_flags"])),
    (Field::FlowDirection, Place::First(&["connection_info.direction"])),
    (Field::TrafficPath, Place::First(&["connection_info.boundary_id"])),
    (Field::LogStatus, Place::First(&["status_code"])),
    (Field::Action, Place::Verdict),
];

/// What tells at which endpoint the interface is.
const DIRECTION: [&str; 2] = ["connection_info.direction_id", "connection_info.direction"];

/// What tells whether the traffic was let through.
const VERDICT: [&str; 5] = ["action_id", "disposition_id", "action", "disposition", "activity_name"];

/// Finds fields in network activity.
#[derive(Clone, Debug)]
pub(super) struct NetworkActivity {
    /// The columns that are fields which these records have, with their places.
    wanted: Vec<(usize, Place)>,
    /// The paths of all places.
    paths: Columns,
    cells: Vec<Cell>,
    /// The values that were found, one behind the other.
    values: String,
}

impl NetworkActivity {
    /// For those of these columns that are fields under their own names; none if there are none.
    pub(super) fn new(columns: &Columns) -> Option<NetworkActivity> {
        let place = |field: Field| PLACES.iter().find(|(known, _)| *known == field).map(|(_, place)| *place);
        let fields = columns.as_slice().iter().filter(|column| column.is_spelt_freely());
        let wanted: Vec<_> = fields.filter_map(|column| Some((column.index(), place(column.field()?)?))).collect();
        let mut paths: Vec<&str> = DIRECTION.into_iter().chain(VERDICT).collect();
        for (_, place) in &wanted {
            let of_place: &[&str] = match place {
                Place::First(paths) => paths,
                Place::Sum(paths) => paths,
                Place::AtInterface(paths) => paths,
                Place::Verdict => &[],
            };
            for path in of_place {
                if !paths.contains(path) {
                    paths.push(path);
                }
            }
        }
        let paths = Columns::new(paths).ok()?;
        let cells = vec![Cell::default(); paths.as_slice().len()];
        (!wanted.is_empty()).then(|| NetworkActivity { wanted, paths, cells, values: String::new() })
    }

    /// Finds the fields in an object and puts their values into the cells of their columns.
    pub(super) fn read(&mut self, text: &str, cells: &mut [Cell]) -> Result<(), Malformed> {
        self.cells.fill(Cell::default());
        object_members(&mut Scanner::strict(text), &self.paths.tree, &mut self.cells)?;
        let NetworkActivity { wanted, paths, cells: found, values } = self;
        let at = |path: &str| {
            let column = paths.as_slice().iter().find(|column| column.name() == path)?;
            let value = found.get(column.index())?.read(text)?;
            (!matches!(value.trim_ascii(), "" | "-")).then_some(value)
        };
        values.clear();
        for (column, place) in wanted.iter() {
            let value = match place {
                Place::First(paths) => paths.iter().find_map(|path| at(path)),
                Place::Sum([total, one, other]) => at(total).or_else(|| match (at(one), at(other)) {
                    (Some(one), Some(other)) => sum(&one, &other).or(Some(one)),
                    (one, other) => one.or(other),
                }),
                Place::AtInterface([source, destination]) => match is_inbound(&at) {
                    true => at(destination).or_else(|| at(source)),
                    false => at(source).or_else(|| at(destination)),
                },
                Place::Verdict => verdict(&at).map(Cow::Borrowed),
            };
            if let Some(cell) = cells.get_mut(*column) {
                let start = values.len();
                values.push_str(value.as_deref().unwrap_or_default());
                let kind = if value.is_some() { CellKind::Derived } else { CellKind::Absent };
                *cell = Cell::new(start, values.len(), kind);
            }
        }
        Ok(())
    }

    /// The values that the cells point into.
    pub(super) fn values(&self) -> &str {
        &self.values
    }
}

/// The sum of two numbers, if they are some.
fn sum<'a>(one: &str, other: &str) -> Option<Cow<'a, str>> {
    let number = |text: &str| decimal::parse(text.as_bytes());
    let mut out = Vec::new();
    decimal::write(number(one)? + number(other)?, &mut out);
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// Whether the flow came in to the interface. Without a word on it, the interface is the source's.
fn is_inbound<'a>(at: &impl Fn(&str) -> Option<Cow<'a, str>>) -> bool {
    let [id, name] = DIRECTION.map(at);
    match id.as_deref() {
        Some("1") => true,
        Some("2") => false,
        _ => name.is_some_and(|name| name.eq_ignore_ascii_case("inbound") || name.eq_ignore_ascii_case("ingress")),
    }
}

/// What became of the traffic, as flow logs say it.
fn verdict<'a>(at: &impl Fn(&str) -> Option<Cow<'a, str>>) -> Option<&'static str> {
    const DENIED: [&str; 7] = ["Denied", "Blocked", "Dropped", "Rejected", "Refuse", "REJECT", "Deny"];
    let found = VERDICT.map(at);
    let [action_id, disposition_id, names @ ..] = &found;
    // 2 is Denied as an action and Blocked as a disposition; 6 is Dropped.
    let is_denied = action_id.as_deref() == Some("2")
        || matches!(disposition_id.as_deref(), Some("2" | "6"))
        || names.iter().flatten().any(|name| DENIED.iter().any(|denied| name.eq_ignore_ascii_case(denied)));
    found.iter().any(Option::is_some).then_some(if is_denied { "REJECT" } else { "ACCEPT" })
}
