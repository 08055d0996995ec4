//! What a token says about the field it may belong to, more strictly than the reader is: the reader takes what AWS adds
//! without notice, a guess must not.

use crate::column::{Field, Kind};
use crate::flow::{Fit, fit};
use crate::text::digits::natural;
use crate::time::LAST_SECOND;

/// Judges a token as a value of a field.
pub(super) fn shape(field: Field, token: &[u8]) -> Fit {
    if token == b"-" {
        return Fit::Neutral;
    }
    let yes = |condition: bool, weight: u32| if condition { Fit::Yes(weight) } else { Fit::No };
    let within = |from: i64, to: i64| natural(token).is_some_and(|value| (from..=to).contains(&value));
    match field {
        Field::Start | Field::End => yes(is_time(token), 2),
        Field::Version => yes(within(2, 99), 1),
        Field::TcpFlags => yes(within(0, 255), 1),
        Field::TrafficPath => yes(within(0, 99), 1),
        Field::EncryptionStatus => yes(within(0, 9), 1),
        Field::Region => yes(is_region(token), 2),
        Field::AzId | Field::TgwSrcAzId | Field::TgwDstAzId | Field::NextHopAzId => yes(is_zone(token), 2),
        Field::PktSrcAwsService | Field::PktDstAwsService => yes(is_service(token), 1),
        Field::EcsClusterArn => yes(is_arn(token, "cluster/"), 3),
        Field::EcsContainerInstanceArn => yes(is_arn(token, "container-instance/"), 3),
        Field::EcsTaskDefinitionArn => yes(is_arn(token, "task-definition/"), 3),
        Field::EcsTaskArn => yes(is_arn(token, "task/"), 3),
        // These are names without a slash or a colon, which an ARN has.
        Field::EcsClusterName | Field::EcsServiceName | Field::EcsTaskId | Field::EcsContainerInstanceId => {
            if token.contains(&b'/') || token.contains(&b':') { Fit::No } else { Fit::Neutral }
        }
        _ => match field.info().kind {
            Kind::Id(prefix) => yes(is_id(prefix, token), 2),
            kind => fit(kind, token),
        },
    }
}

/// Unix time from 2001 to 2100, in seconds, milliseconds, microseconds or nanoseconds.
pub(super) fn is_time(token: &[u8]) -> bool {
    let in_range = |value: i64| (1_000_000_000..=4_100_000_000).contains(&value);
    natural(token).is_some_and(|value| {
        value <= LAST_SECOND && in_range(value)
            || [1_000, 1_000_000, 1_000_000_000].iter().any(|unit| in_range(value / unit))
    })
}

/// `eni-0123abcd`, and not a stream's name such as `eni-0123abcd-all`.
fn is_id(prefix: &str, token: &[u8]) -> bool {
    let rest = token.strip_prefix(prefix.as_bytes());
    rest.is_some_and(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_alphanumeric))
}

/// 12 digits.
pub(super) fn is_account(token: &[u8]) -> bool {
    token.len() == 12 && token.iter().all(u8::is_ascii_digit)
}

/// `us-east-1`, `us-gov-west-1`.
fn is_region(token: &[u8]) -> bool {
    let parts: Vec<_> = token.split(|byte| *byte == b'-').collect();
    let is_word = |part: &&[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_lowercase);
    match &parts[..] {
        [words @ .., number] => {
            matches!(words.len(), 2 | 3) && words.iter().all(is_word) && number.len() == 1 && number[0].is_ascii_digit()
        }
        [] => false,
    }
}

/// `use1-az2`, `usw2-lax1-az1`.
fn is_zone(token: &[u8]) -> bool {
    let parts: Vec<_> = token.split(|byte| *byte == b'-').collect();
    let is_part = |part: &&[u8]| {
        part.first().is_some_and(u8::is_ascii_lowercase)
            && part.last().is_some_and(u8::is_ascii_digit)
            && part.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let is_last = |part: &&[u8]| part.strip_prefix(b"az").is_some_and(|number| number.iter().all(u8::is_ascii_digit));
    matches!(parts.len(), 2 | 3) && parts.iter().all(is_part) && parts.last().is_some_and(is_last)
}

/// `AMAZON`, `EC2`, `ROUTE53_HEALTHCHECKS`.
fn is_service(token: &[u8]) -> bool {
    token.first().is_some_and(u8::is_ascii_uppercase)
        && token.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
}

/// `arn:aws:ecs:us-east-1:123456789012:cluster/shop`, of a kind of resource.
fn is_arn(token: &[u8], kind: &str) -> bool {
    let mut parts = token.splitn(6, |byte| *byte == b':');
    parts.next() == Some(b"arn")
        && parts.nth(1) == Some(b"ecs")
        && parts.nth(2).is_some_and(|rest| rest.starts_with(kind.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_speaks_for_a_field_or_against_it() {
        for (field, token, is_like) in [
            (Field::InterfaceId, "eni-0123abcd", true),
            (Field::InterfaceId, "eni-0123abcd-all", false),
            (Field::InterfaceId, "eni-", false),
            (Field::Region, "us-gov-west-1", true),
            (Field::Region, "use1-az2", false),
            (Field::AzId, "use1-az2", true),
            (Field::AzId, "usw2-lax1-az1", true),
            (Field::AzId, "us-east-1", false),
            (Field::Start, "1723542839", true),
            (Field::Start, "1723542839000", true),
            (Field::Start, "443", false),
            (Field::Version, "443", false),
            (Field::PktSrcAwsService, "AMAZON", true),
            (Field::PktSrcAwsService, "us-east-1", false),
            (Field::EcsTaskArn, "arn:aws:ecs:us-east-1:123456789012:task/shop/1", true),
            (Field::EcsTaskArn, "arn:aws:ecs:us-east-1:123456789012:task-definition/shop:1", false),
            (Field::AccountId, "123456789012", true),
            (Field::AccountId, "eni-1", false),
        ] {
            assert_eq!(matches!(shape(field, token.as_bytes()), Fit::Yes(_)), is_like, "{field:?} {token}");
        }
    }
}
