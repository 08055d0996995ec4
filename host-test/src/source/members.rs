//! Members of gzip (RFC 1952), one after another, and the zeros that some writers leave behind the last.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// What is in the members.
pub(super) struct Members<R> {
    /// The one that is read; none at the end.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(input: R) -> Self {
        Members { member: Some(GzDecoder::new(input)) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let length = member.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            let Some(mut input) = self.member.take().map(GzDecoder::into_inner) else { break };
            let is_more = loop {
                let bytes = input.fill_buf()?;
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                if zeros == 0 {
                    break !bytes.is_empty();
                }
                input.consume(zeros);
            };
            self.member = is_more.then(|| GzDecoder::new(input));
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write as _};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        Members::new(BufReader::with_capacity(7, bytes)).read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn members_follow_each_other_and_zeros_are_no_damage() {
        let members = [gzip(b"one "), gzip(b""), gzip(b"two")].concat();
        assert_eq!(read(&members).unwrap(), "one two");
        assert_eq!(read(&[&members[..], &[0; 100]].concat()).unwrap(), "one two");
        assert!(read(&[&members[..], b"\0\0more"].concat()).is_err());
        assert!(read(&members[..members.len() - 3]).is_err());
    }
}
