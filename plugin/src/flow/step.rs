//! What each column of a format means for a line, known before the first line comes.

use crate::column::Field;

/// What a column of a format means for a line.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(super) key: Key,
}

/// What is looked for in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepKind {
    Text,
    Integer { slot: u8, max: i64 },
    Action,
    Status,
}

/// How a column begins in output, `,"srcaddr":"` for example, as a block to be copied.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(super) block: [u8; Key::BLOCK],
    pub(super) length: usize,
    /// Whether the opening quote of a string is part of it.
    pub(super) is_quoted: bool,
}

impl Key {
    pub(super) const BLOCK: usize = 32;
}

/// The fields whose numbers are read while a record is parsed.
pub(super) const CORE: [Field; 9] = [
    Field::Version,
    Field::SrcPort,
    Field::DstPort,
    Field::Protocol,
    Field::Packets,
    Field::Bytes,
    Field::Start,
    Field::End,
    Field::TcpFlags,
];

/// The slot of a column's number.
pub(crate) fn slot(field: Option<Field>) -> u8 {
    CORE.iter().position(|&core| Some(core) == field).unwrap_or(CORE.len()) as u8
}
