//! How well a token fits a field, to choose between formats that have the same number of columns.

use crate::column::Kind;
use crate::text::digits::natural;

/// The verdict on one token. `-` says nothing about any field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The field does not hold such a token.
    No,
    /// The token says nothing for or against the field.
    Neutral,
    /// The token has the field's shape; the number weighs how unlikely that is by chance.
    Yes(u32),
}

/// Judges `token` as a value of a field of this kind.
pub fn fit(kind: Kind, token: &[u8]) -> Fit {
    if token == b"-" {
        return Fit::Neutral;
    }
    let yes = |condition: bool, weight: u32| if condition { Fit::Yes(weight) } else { Fit::No };
    match kind {
        Kind::Integer { max } => yes(natural(token).is_some_and(|value| value <= max), 1),
        Kind::Address => yes(is_address(token), 2),
        Kind::Account if is_digits(token) && token.len() != 12 => Fit::Neutral,
        Kind::Account => yes(is_digits(token) || token == b"unknown", 2),
        Kind::Action => yes(token == b"ACCEPT" || token == b"REJECT", 2),
        Kind::Status => yes(token == b"OK" || token == b"NODATA" || token == b"SKIPDATA", 2),
        Kind::Id(prefix) => yes(token.starts_with(prefix.as_bytes()), 2),
        Kind::OneOf(values) => yes(values.iter().any(|value| value.as_bytes() == token), 2),
        Kind::Text | Kind::Tag => Fit::Neutral,
    }
}

/// Whether the token is an IPv4 or IPv6 address.
pub fn is_address(token: &[u8]) -> bool {
    std::str::from_utf8(token).is_ok_and(|text| text.parse::<std::net::IpAddr>().is_ok())
}

fn is_digits(token: &[u8]) -> bool {
    !token.is_empty() && token.iter().all(u8::is_ascii_digit)
}
