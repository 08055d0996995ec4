//! Patterns in which `*` stands for any text, also none.

/// Whether `text` fits `pattern`; `is_same` compares a byte of the pattern with one of the text. The last star is the only one
/// ever retried, which is enough and keeps the time within the product of the lengths.
pub(crate) fn fits(pattern: &[u8], text: &[u8], is_same: impl Fn(&u8, &u8) -> bool) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where the last `*` is, and how much of the text is before what it stands for ends.
    let mut last = None;
    while let Some(byte) = text.get(from) {
        match (pattern.get(at), last) {
            (Some(b'*'), _) => {
                last = Some((at, from));
                at += 1;
            }
            (Some(wanted), _) if is_same(wanted, byte) => (at, from) = (at + 1, from + 1),
            (_, Some((star, end))) => {
                last = Some((star, end + 1));
                (at, from) = (star + 1, end + 1);
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_with_stars() {
        for (pattern, text, matches) in [
            ("eni-1", "eni-1", true),
            ("eni-1", "eni-12", false),
            ("eni-*", "eni-12", true),
            ("*/eni-*", "vpc/eni-1", true),
            ("*a*b", "xaxbxab", true),
            ("*a*b", "xaxbxa", false),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes(), u8::eq), matches, "{pattern} {text}");
        }
    }
}
