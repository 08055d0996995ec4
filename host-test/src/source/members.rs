//! Members of gzip (RFC 1952) or frames of zstd (RFC 8878), one after another, and the zeros that some writers leave behind the last.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// One of them.
pub(super) trait Member: Read + Sized {
    type Input: BufRead;
    /// Begins to unpack the one that the input is at.
    fn begin(input: Self::Input) -> io::Result<Self>;
    /// The input behind it, once all was read.
    fn end(self) -> Self::Input;
}

impl<R: BufRead> Member for GzDecoder<R> {
    type Input = R;
    fn begin(input: R) -> io::Result<Self> {
        Ok(GzDecoder::new(input))
    }
    fn end(self) -> R {
        self.into_inner()
    }
}

impl<R: BufRead> Member for zstd::Decoder<'static, R> {
    type Input = R;
    fn begin(input: R) -> io::Result<Self> {
        zstd::Decoder::with_buffer(input).map(Self::single_frame)
    }
    fn end(self) -> R {
        self.finish()
    }
}

/// What is in the members.
pub(super) struct Members<M> {
    /// The one that is read; none at the end.
    member: Option<M>,
}

impl<M: Member> Members<M> {
    pub(super) fn new(input: M::Input) -> io::Result<Self> {
        Ok(Members { member: Some(M::begin(input)?) })
    }
}

impl<M: Member> Read for Members<M> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let length = member.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            let Some(mut input) = self.member.take().map(M::end) else { break };
            let is_more = loop {
                let bytes = input.fill_buf()?;
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                if zeros == 0 {
                    break !bytes.is_empty();
                }
                input.consume(zeros);
            };
            self.member = is_more.then(|| M::begin(input)).transpose()?;
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

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 1).unwrap()
    }

    fn read<'a, M: Member<Input = BufReader<&'a [u8]>>>(bytes: &'a [u8]) -> io::Result<String> {
        let mut text = String::new();
        Members::<M>::new(BufReader::with_capacity(7, bytes))?.read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn members_follow_each_other_and_zeros_are_no_damage() {
        fn check(pack: fn(&[u8]) -> Vec<u8>, skipped: &[u8], read: impl Fn(&[u8]) -> io::Result<String>) {
            let members = [skipped, &pack(b"one "), &pack(b""), skipped, &pack(b"two")].concat();
            assert_eq!(read(&members).unwrap(), "one two");
            assert_eq!(read(&[&members[..], &[0; 100]].concat()).unwrap(), "one two");
            assert!(read(&[&members[..], b"\0\0more"].concat()).is_err());
            for cut in 1..pack(b"two").len() {
                assert!(read(&members[..members.len() - cut]).is_err(), "{cut}");
            }
        }
        check(gzip, b"", |bytes| read::<GzDecoder<_>>(bytes));
        check(zstd, b"\x50\x2a\x4d\x18\x02\0\0\0ab", |bytes| read::<zstd::Decoder<'_, _>>(bytes));
    }
}
