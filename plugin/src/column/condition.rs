//! What the value of a column must be for its record to count.

use core::net::IpAddr;
use core::str::FromStr;

use super::finite;
use crate::text::pattern::fits;

/// One of the values that a column may have: `ACCEPT`, `eni-0a*`, `10.0.0.0/8`, `1024..65535`; or, after `!`, must not have.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    is_denied: bool,
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    /// This text, in ASCII letters of any case: `accept` is `ACCEPT`. `*` stands for any characters.
    Text(String),
    /// An address of this network, by its first so many bits.
    Network(IpAddr, u8),
    /// A number from here to there, both included.
    Range(f64, f64),
}

impl Condition {
    /// Reads one, or says what is allowed.
    pub fn parse(text: &str) -> Result<Condition, String> {
        let (is_denied, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if is_of_a_query(text) {
            return Err(format!(
                "a value without operators, quotes or regular expressions: 1024.. for >= 1024, !22 for != 22, a list for OR and \
                 IN, eni-0a* for LIKE 'eni-0a%', 10.0.0.0/16 for 10.0.%, where `{text}` stands"
            ));
        }
        if let Some((least, most)) = text.split_once("..") {
            let end = |text: &str, open: f64| if text.is_empty() { Some(open) } else { finite(text) };
            return match (end(least, f64::NEG_INFINITY), end(most, f64::INFINITY)) {
                (Some(least), Some(most)) if least <= most && text != ".." => {
                    Ok(Condition { is_denied, wanted: Wanted::Range(least, most) })
                }
                _ => Err(format!(
                    "a range of numbers such as 1024..65535, 1024.. or ..1023, the lower one first, where `{text}` stands"
                )),
            };
        }
        let network = text.split_once('/').and_then(|(address, bits)| Some((IpAddr::from_str(address).ok()?, bits)));
        if let Some((address, bits)) = network {
            let most = if address.is_ipv4() { 32 } else { 128 };
            return match bits.parse::<u8>() {
                Ok(bits) if bits <= most => Ok(Condition { is_denied, wanted: Wanted::Network(address, bits) }),
                _ => Err(format!("a network such as 10.0.0.0/8, with 0 to {most} bits, where `{text}` stands")),
            };
        }
        Ok(Condition { is_denied, wanted: Wanted::Text(text.to_owned()) })
    }

    /// Whether a column with these conditions may have this value; none: the record does not have it.
    pub(crate) fn allow(conditions: &[Condition], value: Option<&str>) -> bool {
        let Some(value) = value else { return conditions.iter().all(|condition| condition.is_denied) };
        let mut is_wanted = true;
        let mut is_found = false;
        for condition in conditions {
            match (condition.is_denied, condition.wanted.is(value)) {
                (true, true) => return false,
                (true, false) => {}
                (false, is) => (is_wanted, is_found) = (false, is_found | is),
            }
        }
        is_wanted || is_found
    }
}

impl Wanted {
    fn is(&self, value: &str) -> bool {
        match self {
            Wanted::Text(pattern) => fits(pattern.as_bytes(), value.as_bytes(), u8::eq_ignore_ascii_case),
            Wanted::Range(least, most) => finite(value).is_some_and(|number| (*least..=*most).contains(&number)),
            Wanted::Network(network, bits) => {
                IpAddr::from_str(value).is_ok_and(|address| begins_alike(*network, address, *bits))
            }
        }
    }
}

/// Whether a text is a condition as SQL and Logs Insights have it, which would be taken for a text that no record has.
fn is_of_a_query(text: &str) -> bool {
    let bytes = text.as_bytes();
    let begins = |word: &[u8]| bytes.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    match bytes {
        [b'=' | b'<' | b'>' | b'~' | b'^' | b'%', ..] | [.., b'%' | b'\''] | [b'"', .., b'"'] => true,
        [b'/', expression @ .., b'/'] => expression.contains(&b'*'),
        _ => begins(b"between ") || begins(b"in ("),
    }
}

/// Whether the first so many bits of two addresses of one kind are the same.
fn begins_alike(network: IpAddr, address: IpAddr, bits: u8) -> bool {
    let differ = |left: u128, right: u128, width: u32| {
        let unused = width - u32::from(bits);
        (left ^ right).checked_shr(unused).unwrap_or(0) != 0
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => !differ(network.to_bits().into(), address.to_bits().into(), 32),
        (IpAddr::V6(network), IpAddr::V6(address)) => !differ(network.to_bits(), address.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(conditions: &[&str], value: Option<&str>) -> bool {
        let conditions: Vec<_> = conditions.iter().map(|text| Condition::parse(text).unwrap()).collect();
        Condition::allow(&conditions, value)
    }

    #[test]
    fn values_lists_networks_and_ranges() {
        for (conditions, yes, no) in [
            (&["ACCEPT"][..], &["ACCEPT", "accept"][..], &["REJECT", "", "ACCEPTED"][..]),
            (&["443", "80"], &["443", "80"], &["8080", "4"]),
            (&["10.0.0.0/8"], &["10.0.0.1", "10.255.255.255"], &["11.0.0.1", "::a00:1", "text", ""]),
            (&["10.1.2.3/32"], &["10.1.2.3"], &["10.1.2.2"]),
            (&["0.0.0.0/0"], &["1.2.3.4"], &["::1"]),
            (&["2001:db8::/32"], &["2001:db8:1::1"], &["2001:db9::1", "1.2.3.4"]),
            (&["::/0"], &["2001:db8:1::1"], &["1.2.3.4"]),
            (&["1024..65535"], &["1024", "65535", "3e3"], &["1023", "65536", "x"]),
            (&["1024.."], &["1e9"], &["1023.5"]),
            (&["..0"], &["0", "-7"], &["0.1"]),
            (&["10.0.0.0/8", "!10.7.0.0/16"], &["10.6.0.1"], &["10.7.0.1", "11.0.0.1"]),
            (&["!REJECT"], &["ACCEPT", ""], &["REJECT", "reject"]),
            (&["!22", "!3389", "!5900..5999"], &["443"], &["22", "3389", "5905"]),
            (&["a/b"], &["a/b"], &["a"]),
            (&["eni-0A*"], &["eni-0a1", "ENI-0a"], &["eni-0b1", "x eni-0a"]),
            (&["*a*b*"], &["ab", "xaaxbx"], &["ba", ""]),
            (&["*.s3"], &["a.s3.s3"], &["a.s3.x", "s3"]),
            (&["!*"], &[], &["", "x"]),
            (&["10.1.*", "!10.1.2.*"], &["10.1.3.4"], &["10.1.2.4", "10.11.3.4"]),
            (&["50 % of it", "in transit", "/", "not"], &["50 % of it", "in transit", "/", "not"], &["in"]),
        ] {
            for value in yes {
                assert!(allowed(conditions, Some(value)), "{conditions:?} {value}");
            }
            for value in no {
                assert!(!allowed(conditions, Some(value)), "{conditions:?} {value}");
            }
        }
    }

    #[test]
    fn a_record_without_the_field_has_none_of_the_values() {
        assert!(!allowed(&["ACCEPT"], None));
        assert!(!allowed(&["10.0.0.0/8", "!10.1.0.0/16"], None));
        assert!(allowed(&["!REJECT"], None));
        assert!(allowed(&["!*"], None) && !allowed(&["*"], None));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_is_allowed() {
        for (text, named) in [
            ("5..4", "the lower one first"),
            ("..", "a range"),
            ("a..b", "`a..b`"),
            ("10.0.0.0/33", "0 to 32"),
            ("::/x", "128"),
            (">= 1024", "1024.. for >= 1024"),
            ("!= REJECT", "!22 for != 22"),
            ("'ACCEPT'", "without operators, quotes"),
            ("10.0.%", "10.0.0.0/16 for 10.0.%"),
            ("!%amazon%", "`%amazon%`"),
            ("LIKE 'eni-%'", "eni-0a* for LIKE"),
            ("in (22, 80)", "a list for OR and IN"),
            ("between 1 and 2", "without operators"),
            ("/eni-.*/", "regular expressions"),
        ] {
            let allowed = Condition::parse(text).unwrap_err();
            assert!(allowed.contains(named), "{allowed}");
        }
    }
}
