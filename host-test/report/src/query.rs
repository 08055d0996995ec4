//! Where to go on from an incident: links and ready queries.
//!
//! Series and addresses come from data. A person pastes a query into a shell or an editor, so only what is an interface's name or an
//! address by its form becomes part of one.

use super::group::Group;
use super::incident::{Incident, TopTalker};
use super::value::Value;
use flowscore_generate::rfc3339;
use std::net::IpAddr;

/// Seconds that a query shows before and after the incident.
const AROUND: i64 = 1800;

/// A query, ready to be pasted.
pub(super) struct Query {
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// A page elsewhere.
pub(super) struct Link {
    pub(super) name: &'static str,
    pub(super) url: String,
}

/// What is asked for.
pub(super) struct Subject<'a> {
    interfaces: Vec<&'a str>,
    /// The address that made the most of the change, where no interface is known.
    address: Option<IpAddr>,
    value: Value,
    /// First and last second.
    from: i64,
    to: i64,
}

impl<'a> Subject<'a> {
    /// What an incident is about.
    pub(super) fn incident(incident: &'a Incident) -> Self {
        let Incident { series, talkers, value, start, until, .. } = incident;
        Subject::new([series.as_str()].into_iter(), talkers, *value, (*start, *until))
    }

    /// What a group is about.
    pub(super) fn group(group: &'a Group) -> Self {
        let Group { members, talkers, value, start, until, .. } = group;
        Subject::new(members.iter().map(|member| member.series.as_str()), talkers, *value, (*start, *until))
    }

    fn new(
        series: impl Iterator<Item = &'a str> + Clone,
        talkers: &'a [TopTalker],
        value: Value,
        (start, until): (i64, i64),
    ) -> Self {
        let parts = series.flat_map(|series| series.split('/'));
        let mut interfaces: Vec<&str> = parts.clone().filter(|part| is_interface(part)).collect();
        interfaces.sort_unstable();
        interfaces.dedup();
        let talkers = talkers.iter().flat_map(|talker| [talker.srcaddr.as_str(), talker.dstaddr.as_str()]);
        let address = parts.chain(talkers).filter_map(|text| text.parse().ok()).next();
        Subject { interfaces, address, value, from: start - AROUND, to: until + AROUND }
    }

    /// The queries.
    pub(super) fn queries(&self) -> Vec<Query> {
        let Subject { interfaces, address, value, from, to } = self;
        let amount = match value {
            Value::Bytes | Value::Packets => format!("sum({})", value.name()),
            Value::Flows | Value::Rejects => "count(*)".to_owned(),
        };
        let (insights, athena, whose) = match (interfaces.as_slice(), address) {
            ([], None) => (String::new(), String::new(), None),
            ([], Some(address)) => {
                let filter =
                    if address.is_ipv6() { "ipv6-addresses.ipv6-address" } else { "addresses.private-ip-address" };
                (
                    format!("| filter srcAddr = \"{address}\" or dstAddr = \"{address}\"\n"),
                    format!("  AND (srcaddr = '{address}' OR dstaddr = '{address}')\n"),
                    Some(format!("--filters Name={filter},Values={address}")),
                )
            }
            (interfaces, _) => (
                format!("| filter interfaceId in [\"{}\"]\n", interfaces.join("\", \"")),
                format!("  AND interface_id IN ('{}')\n", interfaces.join("', '")),
                Some(format!("--network-interface-ids {}", interfaces.join(" "))),
            ),
        };
        let is_rejected = *value == Value::Rejects;
        let rejected =
            if is_rejected { ("| filter action = \"REJECT\"\n", "  AND action = 'REJECT'\n") } else { ("", "") };
        let mut queries = vec![
            Query {
                name: "Logs Insights",
                text: format!(
                    "fields @timestamp\n{insights}{}| stats {amount} as amount by srcAddr, dstAddr, dstPort, bin(5m)\n| sort \
                     amount desc\n| limit 100\n# {} to {}",
                    rejected.0,
                    rfc3339::format(*from),
                    rfc3339::format(*to)
                ),
            },
            Query {
                name: "Athena",
                text: format!(
                    "SELECT from_unixtime(start - start % 300) AS time, srcaddr, dstaddr, dstport, {amount} AS amount\nFROM \
                     vpc_flow_logs\nWHERE start BETWEEN {from} AND {to}\n{athena}{}GROUP BY 1, 2, 3, 4\nORDER BY amount DESC\n\
                     LIMIT 100",
                    rejected.1
                ),
            },
        ];
        let name = if interfaces.is_empty() { "Whose address it is" } else { "Whose interface it is" };
        let whose = whose.map(|what| Query { name, text: format!("aws ec2 describe-network-interfaces {what}") });
        queries.extend(whose);
        queries
    }

    /// Pages of the AWS console; the region is the one that the reader used last.
    pub(super) fn links(&self) -> Vec<Link> {
        const CONSOLE: &str = "https://console.aws.amazon.com";
        let interface = match self.interfaces[..] {
            [interface] => Some(Link {
                name: "Interface in the EC2 console",
                url: format!("{CONSOLE}/ec2/home#NetworkInterface:networkInterfaceId={interface}"),
            }),
            _ => None,
        };
        let fixed =
            [("Logs Insights", "/cloudwatch/home#logsV2:logs-insights"), ("Athena", "/athena/home#/query-editor")];
        let fixed = fixed.map(|(name, path)| Link { name, url: format!("{CONSOLE}{path}") });
        interface.into_iter().chain(fixed).collect()
    }
}

/// `eni-` and hexadecimal digits.
fn is_interface(text: &str) -> bool {
    text.strip_prefix("eni-")
        .is_some_and(|rest| !rest.is_empty() && rest.len() <= 40 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn incident(series: &str, talker: &str) -> Incident {
        let event = json!({"series": series, "start": 1_768_176_000, "end": 1_768_176_060, "top_talkers": [{"srcaddr": talker}]});
        Incident::read(&event).unwrap()
    }

    #[test]
    fn a_query_asks_for_the_interface_or_else_the_address() {
        for (series, talker, wanted) in [
            (
                "eni-0a1/ACCEPT",
                "10.0.0.1",
                ["interfaceId in [\"eni-0a1\"]", "interface_id IN ('eni-0a1')", "--network-interface-ids eni-0a1"],
            ),
            ("total", "10.0.0.1", ["srcAddr = \"10.0.0.1\"", "dstaddr = '10.0.0.1'", "Values=10.0.0.1"]),
            (
                "total",
                "2001:db8::1",
                ["srcAddr = \"2001:db8::1\"", "dstaddr = '2001:db8::1'", "ipv6-address,Values=2001:db8::1"],
            ),
        ] {
            let incident = incident(series, talker);
            let queries = Subject::incident(&incident).queries();
            for (query, wanted) in queries.iter().zip(wanted) {
                assert!(query.text.contains(wanted), "{}: {}", query.name, query.text);
            }
            assert!(queries[0].text.contains("2026-01-11T23:30:00.000Z"), "{}", queries[0].text);
        }
    }

    #[test]
    fn data_cannot_write_into_a_query() {
        let incident = incident("eni-1; rm -rf ~/eni-$(x)/' OR 1=1", "10.0.0.1'--");
        let text: String = Subject::incident(&incident).queries().into_iter().map(|query| query.text).collect();
        assert!(
            !text.contains("rm") && !text.contains("OR 1") && !text.contains("--n") && !text.contains("10.0"),
            "{text}"
        );
        assert!(Subject::incident(&incident).links().iter().all(|link| !link.url.contains("eni")));
    }

    #[test]
    fn of_a_group_all_interfaces_are_asked_for() {
        let members = ["eni-0b/ACCEPT", "eni-0a", "eni-0b/REJECT"].map(|series| json!({"series": series, "id": "i"}));
        let group = Group::read(&json!({"id": "g", "start": 0, "end": 60, "members": members})).unwrap();
        let queries = Subject::group(&group).queries();
        for (query, wanted) in
            queries.iter().zip(["in [\"eni-0a\", \"eni-0b\"]", "IN ('eni-0a', 'eni-0b')", "-ids eni-0a eni-0b"])
        {
            assert!(query.text.contains(wanted), "{}: {}", query.name, query.text);
        }
    }
}
