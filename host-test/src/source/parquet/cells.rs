//! The values of a column, as text.

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::Result;

use super::{Kind, write};

/// How values are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As in a flow log.
    Text,
    /// As JSON values.
    Json,
}

/// Values of some rows of one column, one behind another; an empty one is null.
#[derive(Default)]
pub(super) struct Cells {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Cells {
    /// The value in a row.
    pub(super) fn cell(&self, row: usize) -> &[u8] {
        let end = |row: usize| self.ends.get(row).copied().unwrap_or(0);
        let start = row.checked_sub(1).map_or(0, end);
        self.text.get(start..end(row)).unwrap_or_default()
    }

    /// Replaces them by those of the next rows; how many there are.
    pub(super) fn read(
        &mut self,
        reader: &mut ColumnReader,
        level: i16,
        kind: Kind,
        form: Form,
        rows: usize,
    ) -> Result<usize> {
        self.text.clear();
        self.ends.clear();
        let text = |bytes: &[u8], out: &mut Vec<u8>| match form {
            Form::Text => out.extend_from_slice(bytes),
            Form::Json => write_json_text(bytes, out),
        };
        let time = |milliseconds: i64, out: &mut Vec<u8>| match form {
            Form::Text => write(milliseconds.div_euclid(1_000), out),
            Form::Json => match jiff::Timestamp::from_millisecond(milliseconds) {
                Ok(time) => write_json_text(time.to_string().as_bytes(), out),
                Err(_) => write(milliseconds, out),
            },
        };
        let whole = |number: i64, out: &mut Vec<u8>| match kind {
            Kind::Time(second) => time(number.div_euclid(second / 1_000), out),
            Kind::Unsigned => write(number as u64, out),
            Kind::Decimal(scale) => write_decimal(number, scale, out),
            Kind::Plain => write(number, out),
        };
        let float = |number: f64, out: &mut Vec<u8>| match form {
            _ if number.is_finite() => write(number, out),
            Form::Text => {}
            Form::Json => out.extend_from_slice(b"null"),
        };
        match reader {
            ColumnReader::BoolColumnReader(reader) => self.take(reader, level, rows, |value, out| write(value, out)),
            ColumnReader::Int32ColumnReader(reader) => self.take(reader, level, rows, |value, out| match kind {
                Kind::Unsigned => write(*value as u32, out),
                _ => whole((*value).into(), out),
            }),
            ColumnReader::Int64ColumnReader(reader) => self.take(reader, level, rows, |value, out| whole(*value, out)),
            ColumnReader::Int96ColumnReader(reader) => {
                self.take(reader, level, rows, |value, out| time(value.to_millis(), out))
            }
            ColumnReader::FloatColumnReader(reader) => {
                self.take(reader, level, rows, |value, out| float((*value).into(), out))
            }
            ColumnReader::DoubleColumnReader(reader) => self.take(reader, level, rows, |value, out| float(*value, out)),
            ColumnReader::ByteArrayColumnReader(reader) => {
                self.take(reader, level, rows, |value, out| text(value.data(), out))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                self.take(reader, level, rows, |value, out| text(value.data(), out))
            }
        }
    }

    fn take<T: DataType>(
        &mut self,
        reader: &mut ColumnReaderImpl<T>,
        level: i16,
        rows: usize,
        write: impl Fn(&T::T, &mut Vec<u8>),
    ) -> Result<usize> {
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let (read, ..) = reader.read_records(rows, Some(&mut levels), None, &mut values)?;
        let mut values = values.iter();
        for row in 0..read {
            if (level == 0 || levels.get(row) == Some(&level))
                && let Some(value) = values.next()
            {
                write(value, &mut self.text);
            }
            self.ends.push(self.text.len());
        }
        Ok(read)
    }
}

/// Text as a JSON string; bytes that are no UTF-8 are replaced.
pub(super) fn write_json_text(bytes: &[u8], out: &mut Vec<u8>) {
    // Writing a string to memory does not fail.
    let _ = serde_json::to_writer(out, &String::from_utf8_lossy(bytes));
}

fn write_decimal(number: i64, scale: u32, out: &mut Vec<u8>) {
    let power = 10_u64.pow(scale);
    let (whole, part) = (number.unsigned_abs() / power, number.unsigned_abs() % power);
    let sign = if number < 0 { "-" } else { "" };
    match scale {
        0 => write(number, out),
        scale => write(format_args!("{sign}{whole}.{part:0width$}", width = scale as usize), out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_their_point() {
        for (number, scale, expected) in
            [(-1_234, 2, "-12.34"), (5, 3, "0.005"), (7, 0, "7"), (i64::MIN, 18, "-9.223372036854775808")]
        {
            let mut out = Vec::new();
            write_decimal(number, scale, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
