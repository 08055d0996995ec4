//! Floating-point numbers as decimal text, both ways, exactly, in little code.
//!
//! The standard library's reading and writing of floating point take 30 KB of the artifact, a third of it tables. Here
//! writing is crate `ryu` (Adams, "Ryū: fast float-to-string conversion", PLDI 2018) with its small tables, and reading
//! takes Clinger's exact cases ("How to read floating point numbers accurately", PLDI 1990) and, for the rest, a long
//! division. Both give what the standard library gives, to the bit and the byte.

mod natural;

use std::io::Write as _;

use natural::Natural;

/// Appends the shortest decimal that reads back as `value`, which is finite: without an exponent, as Rust prints it.
pub(crate) fn write(value: f64, out: &mut Vec<u8>) {
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value).as_bytes();
    let Some(mark) = text.iter().position(|byte| *byte == b'e') else {
        out.extend_from_slice(text.strip_suffix(b".0").unwrap_or(text));
        return;
    };
    // One digit, a point and more of them where there are more, and how far the point is from its place.
    let (mantissa, exponent) = (&text[..mark], &text[mark + 1..]);
    let is_small = exponent.first() == Some(&b'-');
    let places = exponent.iter().filter(|byte| byte.is_ascii_digit()).fold(0, |n, b| n * 10 + usize::from(b - b'0'));
    if value < 0.0 {
        out.push(b'-');
    }
    if is_small {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + places - 1, b'0');
    }
    let start = out.len();
    out.extend(mantissa.iter().filter(|byte| byte.is_ascii_digit()));
    if !is_small {
        out.resize(start + places + 1, b'0');
    }
}

/// Appends a number from 0 to 10^15 with four decimals.
pub(crate) fn write_rounded(value: f64, out: &mut Vec<u8>) {
    let parts = (value * 1e4 + 0.5) as u64;
    // Writing to a vector cannot fail.
    let _ = write!(out, "{}.{:04}", parts / 10_000, parts % 10_000);
}

/// The number with so many decimals, at most three, as `format!` gives it: rounded from its exact value, half to even. Of numbers beyond
/// 10^35 only that they are large.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let bits = value.to_bits();
    let (fraction, exponent) = (bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i32);
    let mantissa = if exponent > 0 { fraction | 1 << 52 } else { fraction };
    // The number is so many times a power of two of the last decimal.
    let (count, power) = (u128::from(mantissa) * 10_u128.pow(decimals as u32), exponent.max(1) - 1_075);
    let mut units = match power {
        65.. => u128::MAX,
        0..=64 => count << power,
        -127..0 => {
            let (units, half) = (count >> -power, 1 << (-power - 1));
            let rest = count - (units << -power);
            units + u128::from(rest > half || (rest == half && units % 2 == 1))
        }
        _ => 0,
    };
    let mut digits = Vec::new();
    while units > 0 || digits.len() <= decimals {
        digits.push(b'0' + (units % 10) as u8);
        units /= 10;
    }
    let mut text = String::new();
    if value.is_sign_negative() {
        text.push('-');
    }
    for (place, digit) in digits.into_iter().enumerate().rev() {
        text.push(char::from(digit));
        if place == decimals && decimals > 0 {
            text.push('.');
        }
    }
    text
}

/// The powers of ten that are exact.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Digits that fit 64 bits.
const SHORT: u32 = 19;

/// The finite number nearest to the decimal `text`: digits with an optional sign, fraction and exponent.
///
/// None for any other text, and for numbers beyond the range.
pub(crate) fn parse(text: &[u8]) -> Option<f64> {
    let (is_negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mut mantissa, mut digits, mut exponent) = (0u64, 0, 0i64);
    let (mut has_digits, mut after_point) = (false, false);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'0'..=b'9' => {
                has_digits = true;
                if digits < SHORT {
                    mantissa = mantissa * 10 + u64::from(byte - b'0');
                    exponent -= i64::from(after_point);
                }
                digits += u32::from(mantissa > 0);
            }
            b'.' if !after_point => after_point = true,
            _ => break,
        }
        at += 1;
    }
    let (number, end) = (&text[..at], text.get(at..).unwrap_or_default());
    let written = if end.is_empty() { 0 } else { read_exponent(end)? };
    if !has_digits {
        return None;
    }
    let scale = exponent + written;
    let magnitude = match usize::try_from(scale.abs()) {
        _ if digits > SHORT => nearest_to_long(number, written),
        _ if mantissa == 0 => 0.0,
        // Rounded once, by the conversion.
        Ok(0) => mantissa as f64,
        // Both sides are exact, and their product or quotient is rounded once.
        Ok(power) if mantissa < 1 << 53 && power < POWERS.len() => {
            if scale < 0 {
                mantissa as f64 / POWERS[power]
            } else {
                mantissa as f64 * POWERS[power]
            }
        }
        _ => nearest(Natural::from(mantissa), digits, scale),
    };
    magnitude.is_finite().then_some(if is_negative { -magnitude } else { magnitude })
}

/// `e`, an optional sign, and digits. What is larger than any number's is some such exponent.
fn read_exponent(text: &[u8]) -> Option<i64> {
    let (b'e' | b'E', rest) = text.split_first()? else { return None };
    let (is_negative, digits) = match rest {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let exponent = digits.iter().fold(0i64, |n, byte| (n * 10 + i64::from(byte - b'0')).min(1 << 40));
    Some(if is_negative { -exponent } else { exponent })
}

/// Digits that tell any number from the middle between two neighbours: 767, and one that stands for all that follow.
const LONGEST: u32 = 768;

/// [`nearest`] for more digits than fit 64 bits.
#[cold]
#[inline(never)]
fn nearest_to_long(number: &[u8], mut exponent: i64) -> f64 {
    let mut mantissa = Natural::from(0);
    let (mut digits, mut after_point, mut is_cut) = (0, false, false);
    for &byte in number {
        if byte == b'.' {
            after_point = true;
        } else if digits < LONGEST {
            mantissa.multiply(10, u32::from(byte - b'0'));
            digits += u32::from(digits > 0 || byte != b'0');
            exponent -= i64::from(after_point);
        } else {
            is_cut |= byte != b'0';
            exponent += i64::from(!after_point);
        }
    }
    if is_cut {
        mantissa.multiply(10, 1);
        exponent -= 1;
        digits += 1;
    }
    nearest(mantissa, digits, exponent)
}

/// The number nearest to `mantissa`, which has so many `digits`, times 10^`exponent`; of two the even one.
#[cold]
#[inline(never)]
fn nearest(mantissa: Natural, digits: u32, exponent: i64) -> f64 {
    // The least number above 0 is 4.9e-324, the largest 1.8e308.
    match i64::from(digits) + exponent {
        ..-330 => return 0.0,
        311.. => return f64::INFINITY,
        _ => {}
    }
    let (mut above, mut below) = (mantissa, Natural::from(1));
    let scaled = if exponent < 0 { &mut below } else { &mut above };
    for _ in 0..exponent.abs() {
        scaled.multiply(10, 0);
    }
    // Shifted so that the quotient takes 63 or 64 bits.
    let shift = 63 + below.bits() as i64 - above.bits() as i64;
    above.shift(shift.max(0) as usize);
    below.shift((-shift).max(0) as usize);
    let (quotient, is_exact) = above.divide(below);
    let length = 64 - i64::from(quotient.leading_zeros());
    // The quotient is 1.… · 2^power. Below 2^−1022 the last bit stays where it is.
    let power = length - 1 - shift;
    let kept = 53 - (-1022 - power).max(0);
    if kept < 0 || power > 1023 {
        return if kept < 0 { 0.0 } else { f64::INFINITY };
    }
    let dropped = (length - kept) as u32;
    let quotient = u128::from(quotient);
    let (kept_bits, rest, half) = (quotient >> dropped, quotient & ((1 << dropped) - 1), 1 << (dropped - 1));
    let is_up = rest > half || rest == half && (!is_exact || kept_bits & 1 == 1);
    let significand = kept_bits as u64 + u64::from(is_up);
    // The implicit bit, or a carry into it, adds 1 to the exponent.
    f64::from_bits((((power.max(-1022) + 1022) as u64) << 52) + significand)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: f64) -> String {
        let mut out = Vec::new();
        write(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn rounded(value: f64) -> String {
        let mut out = Vec::new();
        write_rounded(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn expected(text: &str) -> Option<f64> {
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for value in [0.0, -0.0, 1.0, -1.5, 1e15, 1e16, 1e17, 123_456_789_012_345_680.0, 1e300, 5e-324, 1e-5, 1.5e-7] {
            assert_eq!(written(value), value.to_string());
        }
        for (value, text) in [
            (0.0, "0.0000"),
            (7.0, "7.0000"),
            (2.11114, "2.1111"),
            (0.99996, "1.0000"),
            (1000.0, "1000.0000"),
            (1e15, "1000000000000000.0000"),
        ] {
            assert_eq!(rounded(value), text);
        }
    }

    #[test]
    fn numbers_are_read_as_the_standard_library_reads_them() {
        let long = format!("0.{}1", "0".repeat(400));
        for text in [
            "0",
            "-0",
            "+1",
            "1.",
            ".5",
            "1e5",
            "1E-5",
            "9007199254740993",
            "18446744073709551616",
            "1e22",
            "1e23",
            "0.1",
            "0.30000000000000004",
            "1.7976931348623157e308",
            "1.7976931348623159e308",
            "1e309",
            "4.9e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "2.2250738585072011e-308",
            "1e-400",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "0e99999999999999999999",
            &long,
            // The middle between two neighbours, and just beyond it.
            "9007199254740993.0000000000000000000000000000000000000001",
            "9007199254740993.00000000000000000000000000000000000000",
            "",
            ".",
            "+",
            "-",
            "e5",
            "1e",
            "1e+",
            "1.2.3",
            "0x10",
            "1_000",
            "NaN",
            "inf",
            "1 ",
            "--1",
        ] {
            assert_eq!(parse(text.as_bytes()).map(f64::to_bits), expected(text).map(f64::to_bits), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_number_is_written_and_read_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = written(value);
            // Halfway between two shortest decimals (188999736482404.125) either may be taken.
            let expected = value.to_string();
            prop_assert!(text == expected || text.len() == expected.len() && value.fract() != 0.0, "{} for {}", text, expected);
            prop_assert_eq!(parse(text.as_bytes()).map(f64::to_bits), Some(bits));
            let scientific = format!("{value:e}");
            prop_assert_eq!(parse(scientific.as_bytes()).map(f64::to_bits), Some(bits));
        }

        #[test]
        fn any_text_is_read_as_by_the_standard_library(text in "[-+]?[0-9]{0,25}(\\.[0-9]{0,30})?([eE][-+]?[0-9]{0,3})?") {
            prop_assert_eq!(parse(text.as_bytes()).map(f64::to_bits), expected(&text).map(f64::to_bits), "{}", text);
        }

        #[test]
        fn fixed_decimals_are_those_of_the_standard_library(
            value in prop_oneof![-1e3..1e3f64, 0.0..1e35f64, (0u32..8000).prop_map(|eighths| f64::from(eighths) / 8.0)],
            small: f64, decimals in 0usize..4,
        ) {
            prop_assert_eq!(fixed(value, decimals), format!("{value:.decimals$}"));
            let small = small % 1.0;
            prop_assert_eq!(fixed(small, decimals), format!("{small:.decimals$}"));
        }

        #[test]
        fn four_decimals_are_those_of_the_standard_library(value in 0.0..1000.0f64) {
            prop_assert_eq!(rounded(value), format!("{value:.4}"));
        }
    }
}
