//! Text from data, made safe for HTML text and quoted attributes.

use core::fmt::{self, Write as _};

/// Displays text with the five characters replaced that HTML gives a meaning to, and control characters with U+FFFD.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(character)?,
                control if control.is_control() => f.write_char('\u{fffd}')?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_data_can_open_a_tag_or_leave_an_attribute() {
        let text = Escaped("<script>alert(\"x\")</script>&'\u{0}").to_string();
        assert_eq!(text, "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;\u{fffd}");
        assert_eq!(Escaped("eni-0a ünïcödé").to_string(), "eni-0a ünïcödé");
    }
}
