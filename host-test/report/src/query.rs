//! Where to go on from an incident: links and ready queries.
//!
//! Series and addresses come from data. A person pastes a query into a shell or an editor, so only what is an interface's name or an
//! address by its form becomes part of one.

use super::incident::Incident;
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

/// What a query asks for.
struct Subject<'a> {
    interface: Option<&'a str>,
    /// The address that made the most of the change, where no interface is known.
    address: Option<IpAddr>,
}

fn subject(incident: &Incident) -> Subject<'_> {
    let interface = incident.series.split('/').find(|part| is_interface(part));
    let talkers = incident.talkers.iter().flat_map(|talker| [&talker.srcaddr, &talker.dstaddr]);
    let addresses = incident.series.split('/').chain(talkers.map(String::as_str));
    let address = addresses.filter_map(|text| text.parse().ok()).next();
    Subject { interface, address }
}

/// `eni-` and hexadecimal digits.
fn is_interface(text: &str) -> bool {
    text.strip_prefix("eni-")
        .is_some_and(|rest| !rest.is_empty() && rest.len() <= 40 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The queries for an incident.
pub(super) fn queries(incident: &Incident) -> Vec<Query> {
    let Subject { interface, address } = subject(incident);
    let (from, to) = (incident.start - AROUND, incident.until + AROUND);
    let amount = match incident.value {
        Value::Bytes | Value::Packets => format!("sum({})", incident.value.name()),
        Value::Flows | Value::Rejects => "count(*)".to_owned(),
    };
    let is_rejected = incident.value == Value::Rejects;
    let insights = match (interface, address) {
        (Some(interface), _) => format!("| filter interfaceId = \"{interface}\"\n"),
        (None, Some(address)) => format!("| filter srcAddr = \"{address}\" or dstAddr = \"{address}\"\n"),
        (None, None) => String::new(),
    };
    let athena = match (interface, address) {
        (Some(interface), _) => format!("  AND interface_id = '{interface}'\n"),
        (None, Some(address)) => format!("  AND (srcaddr = '{address}' OR dstaddr = '{address}')\n"),
        (None, None) => String::new(),
    };
    let rejected = if is_rejected { ("| filter action = \"REJECT\"\n", "  AND action = 'REJECT'\n") } else { ("", "") };
    let mut queries = vec![
        Query {
            name: "Logs Insights",
            text: format!(
                "fields @timestamp\n{insights}{}| stats {amount} as amount by srcAddr, dstAddr, dstPort, bin(5m)\n| sort amount desc\n\
                 | limit 100\n# {} to {}",
                rejected.0,
                rfc3339::format(from),
                rfc3339::format(to)
            ),
        },
        Query {
            name: "Athena",
            text: format!(
                "SELECT from_unixtime(start - start % 300) AS time, srcaddr, dstaddr, dstport, {amount} AS amount\nFROM \
                 vpc_flow_logs\nWHERE start BETWEEN {from} AND {to}\n{athena}{}GROUP BY 1, 2, 3, 4\nORDER BY amount DESC\nLIMIT 100",
                rejected.1
            ),
        },
    ];
    if let Some(interface) = interface {
        let text = format!("aws ec2 describe-network-interfaces --network-interface-ids {interface}");
        queries.push(Query { name: "Whose interface it is", text });
    } else if let Some(address) = address {
        let filter = if address.is_ipv6() { "ipv6-addresses.ipv6-address" } else { "addresses.private-ip-address" };
        let text = format!("aws ec2 describe-network-interfaces --filters Name={filter},Values={address}");
        queries.push(Query { name: "Whose address it is", text });
    }
    queries
}

/// Pages of the AWS console; the region is the one that the reader used last.
pub(super) fn links(incident: &Incident) -> Vec<Link> {
    const CONSOLE: &str = "https://console.aws.amazon.com";
    let interface = subject(incident).interface.map(|interface| Link {
        name: "Interface in the EC2 console",
        url: format!("{CONSOLE}/ec2/home#NetworkInterface:networkInterfaceId={interface}"),
    });
    let fixed = [("Logs Insights", "/cloudwatch/home#logsV2:logs-insights"), ("Athena", "/athena/home#/query-editor")];
    let fixed = fixed.map(|(name, path)| Link { name, url: format!("{CONSOLE}{path}") });
    interface.into_iter().chain(fixed).collect()
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
                ["interfaceId = \"eni-0a1\"", "interface_id = 'eni-0a1'", "--network-interface-ids eni-0a1"],
            ),
            ("total", "10.0.0.1", ["srcAddr = \"10.0.0.1\"", "dstaddr = '10.0.0.1'", "Values=10.0.0.1"]),
            (
                "total",
                "2001:db8::1",
                ["srcAddr = \"2001:db8::1\"", "dstaddr = '2001:db8::1'", "ipv6-address,Values=2001:db8::1"],
            ),
        ] {
            let incident = incident(series, talker);
            let queries = queries(&incident);
            for (query, wanted) in queries.iter().zip(wanted) {
                assert!(query.text.contains(wanted), "{}: {}", query.name, query.text);
            }
            assert!(queries[0].text.contains("2026-01-11T23:30:00.000Z"), "{}", queries[0].text);
        }
    }

    #[test]
    fn data_cannot_write_into_a_query() {
        let incident = incident("eni-1; rm -rf ~/eni-$(x)/' OR 1=1", "10.0.0.1'--");
        let text: String = queries(&incident).into_iter().map(|query| query.text).collect();
        assert!(
            !text.contains("rm") && !text.contains("OR 1") && !text.contains("--n") && !text.contains("10.0"),
            "{text}"
        );
        assert!(links(&incident).iter().all(|link| !link.url.contains("eni")));
    }
}
