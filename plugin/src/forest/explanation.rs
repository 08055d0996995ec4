//! The text that `RANDOM_CUT_FOREST_WITH_EXPLANATION` put beside a score.
//!
//! One entry for each column, all numbers as strings with four decimals (SQL Reference; example "getting an
//! explanation" of the developer guide):
//!
//! ```json
//! {"bytes":{"DIRECTION":"HIGH","STRENGTH":"7.0982","ATTRIBUTION_SCORE":"2.1111"}}
//! ```
//!
//! `ATTRIBUTION_SCORE` is the column's share; the shares sum up to the score. `DIRECTION` is the larger of its two
//! sides. How the service computed `STRENGTH` was never published; here it is larger / smaller − 1, which has the range
//! of its examples (0.02 … 0.1 for ordinary values, 7.1 for a clear one), limited to [`MAX_STRENGTH`].

use super::Attribution;
use crate::text::decimal;

/// The largest strength that is told: beyond it one side is so small that the quotient says nothing more.
const MAX_STRENGTH: f64 = 1000.0;

/// Appends the explanation as a JSON object; `names` are the columns, already as JSON strings with their quotes.
pub fn write_explanation(out: &mut Vec<u8>, names: &[String], attribution: &Attribution, with_directionality: bool) {
    out.push(b'{');
    for (i, ((name, &high), &low)) in names.iter().zip(&attribution.high).zip(&attribution.low).enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b":{");
        if with_directionality {
            let (direction, larger, smaller) = if high > low { ("HIGH", high, low) } else { ("LOW", low, high) };
            let strength = if larger > 0.0 { (larger / smaller - 1.0).min(MAX_STRENGTH) } else { 0.0 };
            out.extend_from_slice(b"\"DIRECTION\":\"");
            out.extend_from_slice(direction.as_bytes());
            out.extend_from_slice(b"\",\"STRENGTH\":\"");
            decimal::write_rounded(strength, out);
            out.extend_from_slice(b"\",");
        }
        out.extend_from_slice(b"\"ATTRIBUTION_SCORE\":\"");
        decimal::write_rounded(high + low, out);
        out.extend_from_slice(b"\"}");
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(high: f64, low: f64, with_directionality: bool) -> String {
        let mut out = Vec::new();
        let attribution = Attribution { high: vec![high], low: vec![low] };
        write_explanation(&mut out, &["\"bytes\"".into()], &attribution, with_directionality);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn has_the_shape_of_the_retired_service() {
        for (high, low, directed, expected) in [
            (2.0, 0.25, true, r#"{"bytes":{"DIRECTION":"HIGH","STRENGTH":"7.0000","ATTRIBUTION_SCORE":"2.2500"}}"#),
            (0.25, 2.0, true, r#"{"bytes":{"DIRECTION":"LOW","STRENGTH":"7.0000","ATTRIBUTION_SCORE":"2.2500"}}"#),
            // While learning: attribution 0, strength 0, direction LOW (SQL Reference).
            (0.0, 0.0, true, r#"{"bytes":{"DIRECTION":"LOW","STRENGTH":"0.0000","ATTRIBUTION_SCORE":"0.0000"}}"#),
            (4.0, 0.0, true, r#"{"bytes":{"DIRECTION":"HIGH","STRENGTH":"1000.0000","ATTRIBUTION_SCORE":"4.0000"}}"#),
            (0.25, 2.0, false, r#"{"bytes":{"ATTRIBUTION_SCORE":"2.2500"}}"#),
        ] {
            assert_eq!(explain(high, low, directed), expected);
        }
    }
}
