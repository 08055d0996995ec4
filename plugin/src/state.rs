//! What is learned, as bytes: plain fields in order, without names. `snapshot` puts the configuration
//! and a checksum around them.
//!
//! | | |
//! |---|---|
//! | `u8`, `bool`, the variant of an enum | one byte |
//! | `u16` … `u64`, `usize` | seven bits a byte, the lowest first; all but the last have the highest bit set |
//! | `i64` | the same, as 0, −1, 1, −2, … |
//! | `f32`, `f64`, `Word` | little-endian |
//! | lists and texts | their length, then what is in them |
//! | options | 0, or 1 and the value |
//!
//! Reading cannot fail midway: beyond the end all is zero, and the [`Reader`] remembers that the bytes were damaged. So
//! there is one place to check, and nothing to unwind. A length is believed only as far as bytes are left.
//!
//! **Versions.** The bytes do not say what they are, so that whoever changes a `state!` list raises `VERSION`, and states of
//! versions from `OLDEST` on must still be read. A new field is written as `field since 7`: a state of version 6 has none, and
//! gets the default of its type. What has come to be kept in another form implements [`State`] itself and asks
//! `Reader::is_before`. What is no longer needed stays as a field of type `Gone`, which takes no room.

use core::marker::PhantomData;
use std::net::IpAddr;

/// The version of the layout that this build writes.
pub(crate) const VERSION: u16 = 14;

/// The first version that it still reads.
pub(crate) const OLDEST: u16 = 6;

/// What has a place in a snapshot. See `state!` for structs and enums.
pub trait State: Sized {
    /// Appends it.
    fn save(&self, out: &mut Vec<u8>);
    /// Reads it; anything if the bytes are damaged.
    fn load(reader: &mut Reader<'_>) -> Self;
}

/// Bytes that no state was saved as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// The bytes of `state`.
pub fn to_bytes(state: &impl State) -> Vec<u8> {
    let mut out = Vec::new();
    state.save(&mut out);
    out
}

/// The state of `bytes`.
pub fn from_bytes<T: State>(bytes: &[u8]) -> Result<T, Damaged> {
    let mut reader = Reader::new(bytes, VERSION);
    let state = T::load(&mut reader);
    reader.finish()?;
    Ok(state)
}

/// Whether all numbers of a list are finite.
#[inline(never)]
pub(crate) fn are_finite(numbers: &[f64]) -> bool {
    numbers.iter().all(|number| number.is_finite())
}

/// The same in single precision.
#[inline(never)]
pub(crate) fn are_finite_f32(numbers: &[f32]) -> bool {
    numbers.iter().all(|number| number.is_finite())
}

/// What is left to be read.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    damaged: bool,
    version: u16,
}

impl<'a> Reader<'a> {
    /// Reads a state of this version.
    pub(crate) fn new(bytes: &'a [u8], version: u16) -> Self {
        Reader { rest: bytes, damaged: false, version }
    }

    /// A field that states have from a version on.
    pub(crate) fn since<T: State + Default>(&mut self, version: u16) -> T {
        if self.is_before(version) { T::default() } else { T::load(self) }
    }

    /// Whether the state is of an earlier version than this.
    pub(crate) fn is_before(&self, version: u16) -> bool {
        self.version < version
    }

    /// Whether all was read, and nothing amiss.
    pub(crate) fn finish(&self) -> Result<(), Damaged> {
        if self.damaged || !self.rest.is_empty() { Err(Damaged) } else { Ok(()) }
    }

    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// From here on all is zero.
    #[cold]
    #[inline(never)]
    pub(crate) fn fail(&mut self) {
        self.damaged = true;
        self.rest = &[];
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        match self.rest.split_first_chunk() {
            Some((bytes, rest)) => {
                self.rest = rest;
                *bytes
            }
            None => {
                self.fail();
                [0; N]
            }
        }
    }

    #[inline(never)]
    fn number(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array();
            let bits = u64::from(byte & 0x7f);
            number |= bits << shift;
            if bits << shift >> shift != bits {
                break;
            }
            if byte < 0x80 {
                return number;
            }
        }
        self.fail();
        0
    }

    fn integer<T: TryFrom<u64> + Default>(&mut self) -> T {
        T::try_from(self.number()).unwrap_or_else(|_| {
            self.fail();
            T::default()
        })
    }

    /// The length of a list, each element of which takes a byte or more.
    #[inline(never)]
    fn length(&mut self) -> usize {
        let length = self.integer();
        if length > self.rest.len() {
            self.fail();
            return 0;
        }
        length
    }
}

#[inline(never)]
fn number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl State for $integer {
            fn save(&self, out: &mut Vec<u8>) {
                number(*self as u64, out);
            }
            fn load(reader: &mut Reader<'_>) -> Self {
                reader.integer()
            }
        }
    )*};
}

integers! { u16 u32 u64 usize }

macro_rules! fixed {
    ($($number:ty)*) => {$(
        impl State for $number {
            fn save(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn load(reader: &mut Reader<'_>) -> Self {
                Self::from_le_bytes(reader.array())
            }
        }
    )*};
}

fixed! { u8 f32 f64 }

/// A number that is as likely to be large as small, such as a hash: eight bytes always.
pub(crate) struct Word(pub(crate) u64);

impl State for Word {
    fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        Word(u64::from_le_bytes(reader.array()))
    }
}

impl State for i64 {
    fn save(&self, out: &mut Vec<u8>) {
        number((self << 1 ^ self >> 63) as u64, out);
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        let number = reader.number();
        (number >> 1) as i64 ^ -((number & 1) as i64)
    }
}

impl State for bool {
    fn save(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        let byte = u8::load(reader);
        if byte > 1 {
            reader.fail();
        }
        byte == 1
    }
}

impl<T: State> State for Option<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.is_some().save(out);
        if let Some(value) = self {
            value.save(out);
        }
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        bool::load(reader).then(|| T::load(reader))
    }
}

impl<T: State> State for Box<T> {
    fn save(&self, out: &mut Vec<u8>) {
        T::save(self, out);
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        Box::new(T::load(reader))
    }
}

impl<T: State> State for Vec<T> {
    #[inline(never)]
    fn save(&self, out: &mut Vec<u8>) {
        number(self.len() as u64, out);
        save_all(self, out);
    }
    #[inline(never)]
    fn load(reader: &mut Reader<'_>) -> Self {
        let length = reader.length();
        // What is reserved at once is never more than what was handed over.
        let mut list = Vec::with_capacity(length.min(reader.rest.len() / size_of::<T>().max(1)));
        for _ in 0..length {
            let element = T::load(reader);
            if reader.is_damaged() {
                break;
            }
            list.push(element);
        }
        list
    }
}

/// A list without its length.
#[inline(never)]
fn save_all<T: State>(list: &[T], out: &mut Vec<u8>) {
    list.iter().for_each(|element| element.save(out));
}

impl<T: State, const N: usize> State for [T; N] {
    fn save(&self, out: &mut Vec<u8>) {
        save_all(self, out);
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        std::array::from_fn(|_| T::load(reader))
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt)*))*) => {$(
        impl<$($name: State),*> State for ($($name,)*) {
            fn save(&self, out: &mut Vec<u8>) {
                $(self.$index.save(out);)*
            }
            fn load(reader: &mut Reader<'_>) -> Self {
                ($($name::load(reader),)*)
            }
        }
    )*};
}

tuples! { (A 0 B 1) (A 0 B 1 C 2) }

impl State for String {
    fn save(&self, out: &mut Vec<u8>) {
        number(self.len() as u64, out);
        out.extend_from_slice(self.as_bytes());
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        String::from_utf8(Vec::load(reader)).unwrap_or_else(|_| {
            reader.fail();
            String::new()
        })
    }
}

impl State for IpAddr {
    fn save(&self, out: &mut Vec<u8>) {
        match self {
            IpAddr::V4(address) => (false, address.octets()).save(out),
            IpAddr::V6(address) => (true, address.octets()).save(out),
        }
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        match bool::load(reader) {
            false => <[u8; 4]>::load(reader).into(),
            true => <[u8; 16]>::load(reader).into(),
        }
    }
}

/// Gives a struct its place in snapshots by the list of its fields, or an enum by the list of its variants.
///
/// Fields after `default` are not saved. A missing field does not compile. `field since 7` is a field that states have from version
/// 7 on.
macro_rules! state {
    (@load $reader:ident) => {
        $crate::state::State::load($reader)
    };
    (@load $reader:ident $since:literal) => {
        $reader.since($since)
    };
    ($name:ident $(<const $n:ident>)? { $($field:tt $(since $since:literal)?),* $(,)? } $(default { $($skipped:ident),* })?) => {
        impl $(<const $n: usize>)? $crate::state::State for $name $(<$n>)? {
            #[inline(never)]
            fn save(&self, out: &mut Vec<u8>) {
                $($crate::state::State::save(&self.$field, out);)*
            }
            #[inline(never)]
            fn load(reader: &mut $crate::state::Reader<'_>) -> Self {
                $name {
                    $($field: $crate::state::state!(@load reader $($since)?),)*
                    $($($skipped: Default::default(),)*)?
                }
            }
        }
    };
    (enum $name:ident { $first:ident $(, $variant:ident)* $(,)? }) => {
        impl $crate::state::State for $name {
            fn save(&self, out: &mut Vec<u8>) {
                out.push(*self as u8);
            }
            fn load(reader: &mut $crate::state::Reader<'_>) -> Self {
                let number: u8 = $crate::state::State::load(reader);
                $(if number == $name::$variant as u8 {
                    return $name::$variant;
                })*
                if number != $name::$first as u8 {
                    reader.fail();
                }
                $name::$first
            }
        }
    };
}

pub(crate) use state;

/// What states held before version `UNTIL`, and nothing needs any more: read over, and not written.
#[derive(Debug)]
pub(crate) struct Gone<T, const UNTIL: u16>(PhantomData<fn() -> T>);

impl<T, const UNTIL: u16> Clone for Gone<T, UNTIL> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T, const UNTIL: u16> Default for Gone<T, UNTIL> {
    fn default() -> Self {
        Gone(PhantomData)
    }
}

impl<T: State, const UNTIL: u16> State for Gone<T, UNTIL> {
    fn save(&self, _: &mut Vec<u8>) {}
    fn load(reader: &mut Reader<'_>) -> Self {
        if reader.is_before(UNTIL) {
            T::load(reader);
        }
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq)]
    struct Example {
        integers: (u64, (i64, u16)),
        floats: [f64; 2],
        texts: Vec<String>,
        choice: Option<Box<bool>>,
        newer: u16,
        last: bool,
        scratch: u32,
    }

    state!(Example { integers, floats, texts, choice, newer since 6, last } default { scratch });

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Colour {
        Red,
        Green,
    }

    state!(
        enum Colour {
            Red,
            Green,
        }
    );

    fn example() -> Example {
        Example {
            integers: (u64::MAX, (i64::MIN, 128)),
            floats: [-0.0, f64::MIN_POSITIVE],
            texts: vec![String::new(), "ä".into()],
            choice: Some(Box::new(true)),
            newer: 7,
            last: true,
            scratch: 0,
        }
    }

    #[test]
    fn what_is_saved_is_loaded_but_for_the_default_fields() {
        let bytes = to_bytes(&Example { scratch: 7, ..example() });
        assert_eq!(from_bytes(&bytes), Ok(example()));
        let addresses: Vec<IpAddr> = vec!["10.0.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        assert_eq!(from_bytes(&to_bytes(&addresses)), Ok(addresses));
        assert_eq!(from_bytes(&[0, 1]), Ok([Colour::Red, Colour::Green]));
        for number in [0, 1, -1, 63, -64, 64, i64::MAX, i64::MIN] {
            assert_eq!(from_bytes(&to_bytes(&number)), Ok(number));
        }
    }

    #[test]
    fn a_state_of_an_older_version_has_the_defaults_of_newer_fields() {
        let bytes = to_bytes(&Example { newer: 7, ..example() });
        let older = [&bytes[..bytes.len() - 2], &bytes[bytes.len() - 1..]].concat();
        let mut reader = Reader::new(&older, 5);
        assert_eq!(Example::load(&mut reader), Example { newer: 0, ..example() });
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn bytes_too_few_or_too_many_are_damaged() {
        let mut bytes = to_bytes(&example());
        for length in 0..bytes.len() {
            assert_eq!(from_bytes::<Example>(&bytes[..length]), Err(Damaged), "{length}");
        }
        bytes.push(0);
        assert_eq!(from_bytes::<Example>(&bytes), Err(Damaged));
    }

    #[test]
    fn impossible_values_are_damaged() {
        assert_eq!(from_bytes::<bool>(&[2]), Err(Damaged));
        assert_eq!(from_bytes::<Colour>(&[2]), Err(Damaged));
        assert_eq!(from_bytes::<u16>(&[0x80, 0x80, 4]), Err(Damaged));
        assert_eq!(from_bytes::<u64>(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), Err(Damaged));
        assert_eq!(from_bytes::<u64>(&[0x80; 11]), Err(Damaged));
        assert_eq!(from_bytes::<String>(&[1, 0xff]), Err(Damaged));
        assert_eq!(from_bytes::<Vec<u64>>(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1]), Err(Damaged));
    }
}
