//! Splitting any line into tokens, byte by byte. The lines that are as they should be do not come here: see
//! [`scan`](super::one_pass).

/// Where a token lies in its text. Offsets of 32 bits keep a record's tokens within one or two cache lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    #[inline]
    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The token as text, of a record whose text is known to be UTF-8.
    pub(crate) fn text(self, text: &[u8]) -> &str {
        std::str::from_utf8(self.of(text)).unwrap_or_default()
    }
}

/// Why a line cannot be split.
pub(super) enum Unsplit {
    /// It is longer than spans can tell.
    TooLong,
    /// A control character, and where.
    Control(u8, usize),
}

/// Splits on runs of spaces and tabs, and gives the number of tokens. Blanks and a line end at the end are ignored.
///
/// Runs, because the user guide's own example page has a line with two adjacent spaces, and no value may hold a space.
/// `spans` takes the first tokens; the rest are only counted.
pub(super) fn split(line: &[u8], spans: &mut [Span]) -> Result<usize, Unsplit> {
    let line = line.trim_ascii_end();
    if u32::try_from(line.len()).is_err() {
        return Err(Unsplit::TooLong);
    }
    let (mut count, mut start) = (0, 0);
    for at in 0..=line.len() {
        match line.get(at) {
            None | Some(b' ' | b'\t') => {
                if at > start {
                    if let Some(span) = spans.get_mut(count) {
                        *span = Span { start: start as u32, end: at as u32 };
                    }
                    count += 1;
                }
                start = at + 1;
            }
            Some(&control @ 0..0x20) => return Err(Unsplit::Control(control, at)),
            Some(_) => {}
        }
    }
    Ok(count)
}
