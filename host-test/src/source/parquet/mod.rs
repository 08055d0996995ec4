//! Rows of Parquet files.
//!
//! A file is read a row group at a time, and of it a page of each column: memory does not grow with the file. Rows come out in
//! the form that the component reads quickest:
//!
//! - columns that are fields of flow logs, as AWS writes them (`interface_id`, `srcaddr`, `start`, `log_status`), as lines below a
//!   header with their names;
//! - others as JSON objects, a line each; a group of columns is an object in the object.
//!
//! Lists and maps are left out. Times become whole seconds in lines and RFC 3339 in JSON.

use std::fs::File;
use std::io::Write as _;

use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::ColumnReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use self::cells::Cells;
use crate::input::{Payload, is_flow_log_header};

mod cells;

/// How a Parquet file begins, and ends.
pub const MAGIC: &[u8; 4] = b"PAR1";

/// Rows that are decoded at once.
const ROWS: usize = 4_096;

/// The rows of a file, as payloads.
pub struct Rows {
    file: SerializedFileReader<File>,
    columns: Vec<Column>,
    form: Form,
    /// The next row group.
    group: usize,
    /// A reader for each of the columns in the row group that is being read.
    readers: Vec<ColumnReader>,
    /// The rows that were decoded, and how many of them were handed out.
    cells: Vec<Cells>,
    decoded: usize,
    given: usize,
    /// Rows handed out, of all row groups.
    row: u64,
    /// Bytes up to which rows are put into one payload.
    block: usize,
}

enum Form {
    /// Lines below this header.
    Lines(Vec<u8>),
    Json,
}

/// A column that is read.
struct Column {
    index: usize,
    /// Its name, behind those of the groups that it is in.
    path: Vec<String>,
    /// The level that a value has which is not null.
    level: i16,
    kind: Kind,
}

/// What the numbers of a column are.
#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Unsigned,
    /// A time, so many of which are a second.
    Time(i64),
    /// A decimal number with so many digits behind the point.
    Decimal(u32),
}

impl Rows {
    /// The rows of a file, in payloads of about so many bytes.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is damaged, or has no column that can be used.
    pub fn open(file: File, block: usize) -> Result<Self> {
        let file = SerializedFileReader::new(file)?;
        let columns: Vec<Column> =
            file.metadata().file_metadata().schema_descr().columns().iter().enumerate().filter_map(column).collect();
        if columns.is_empty() {
            return Err(ParquetError::General("none of its columns has plain values".into()));
        }
        let names: Vec<String> = columns.iter().map(|column| column.path.join(".").replace('_', "-")).collect();
        let header = names.join(" ").into_bytes();
        let is_flat =
            columns.iter().all(|column| column.path.len() == 1) && !names.iter().any(|name| name.contains(' '));
        let form = if is_flat && is_flow_log_header(&header) { Form::Lines(header) } else { Form::Json };
        let cells = columns.iter().map(|_| Cells::default()).collect();
        Ok(Rows { file, columns, form, group: 0, readers: Vec::new(), cells, decoded: 0, given: 0, row: 0, block })
    }

    /// Which part of the file was handed out, 0 to 1.
    pub fn progress(&self) -> f64 {
        let rows = self.file.metadata().file_metadata().num_rows();
        self.row as f64 / (rows as f64).max(1.0)
    }

    /// The next rows, or none at the end. Their numbers count from 1.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is damaged.
    pub fn next_payload(&mut self) -> Result<Option<Payload>> {
        let mut data = Vec::with_capacity(self.block + 4_096);
        if let Form::Lines(header) = &self.form {
            data.extend_from_slice(header);
        }
        let first = self.row + 1;
        while data.len() < self.block && (self.given < self.decoded || self.decode()?) {
            if !data.is_empty() {
                data.push(b'\n');
            }
            match self.form {
                Form::Lines(_) => write_line(&self.cells, self.given, &mut data),
                Form::Json => write_object(&self.columns, &self.cells, self.given, &mut data),
            }
            self.given += 1;
            self.row += 1;
        }
        Ok((self.row >= first).then_some(Payload { data, line: first, last_line: self.row }))
    }

    /// Decodes more rows; false at the end of the file.
    fn decode(&mut self) -> Result<bool> {
        let form = if matches!(self.form, Form::Json) { cells::Form::Json } else { cells::Form::Text };
        loop {
            let mut rows = None;
            for ((reader, column), cells) in self.readers.iter_mut().zip(&self.columns).zip(&mut self.cells) {
                let read = cells.read(reader, column.level, column.kind, form, ROWS)?;
                if *rows.get_or_insert(read) != read {
                    let name = column.path.join(".");
                    return Err(ParquetError::General(format!("column {name} has fewer values than others")));
                }
            }
            (self.decoded, self.given) = (rows.unwrap_or(0), 0);
            if self.decoded > 0 {
                return Ok(true);
            }
            if self.group >= self.file.num_row_groups() {
                return Ok(false);
            }
            let group = self.file.get_row_group(self.group)?;
            self.readers =
                self.columns.iter().map(|column| group.get_column_reader(column.index)).collect::<Result<_>>()?;
            self.group += 1;
        }
    }
}

/// A column, if it has one value in each row.
fn column((index, column): (usize, &std::sync::Arc<ColumnDescriptor>)) -> Option<Column> {
    let path = column.path().parts().to_vec();
    let is_binary_decimal = matches!(column.converted_type(), ConvertedType::DECIMAL)
        && !matches!(column.physical_type(), parquet::basic::Type::INT32 | parquet::basic::Type::INT64);
    if column.max_rep_level() > 0 || is_binary_decimal {
        tracing::debug!("column {} is left out: it has lists or long decimal numbers", path.join("."));
        return None;
    }
    let kind = match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Timestamp(timestamp)), _) => Kind::Time(match timestamp.unit {
            TimeUnit::MILLIS => 1_000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        }),
        (_, ConvertedType::TIMESTAMP_MILLIS) => Kind::Time(1_000),
        (_, ConvertedType::TIMESTAMP_MICROS) => Kind::Time(1_000_000),
        (_, ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64) => {
            Kind::Unsigned
        }
        (_, ConvertedType::DECIMAL) => Kind::Decimal(u32::try_from(column.type_scale()).unwrap_or(0).min(18)),
        _ => Kind::Plain,
    };
    Some(Column { index, path, level: column.max_def_level(), kind })
}

/// A row as words; null is `-`, as in flow logs.
fn write_line(cells: &[Cells], row: usize, out: &mut Vec<u8>) {
    for (at, cells) in cells.iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        match cells.cell(row) {
            [] => out.push(b'-'),
            // A value is one word.
            cell => out.extend(cell.iter().map(|byte| if *byte <= b' ' { b'_' } else { *byte })),
        }
    }
}

/// A row as a JSON object; what is null is left out.
fn write_object(columns: &[Column], cells: &[Cells], row: usize, out: &mut Vec<u8>) {
    let mut open: &[String] = &[];
    out.push(b'{');
    for (column, cells) in columns.iter().zip(cells) {
        let cell = cells.cell(row);
        let Some((name, groups)) = column.path.split_last() else { continue };
        if cell.is_empty() {
            continue;
        }
        let shared = open.iter().zip(groups).take_while(|(a, b)| a == b).count();
        out.extend(std::iter::repeat_n(b'}', open.len() - shared));
        for group in &groups[shared..] {
            write_name(group, out);
            out.push(b'{');
        }
        open = groups;
        write_name(name, out);
        out.extend_from_slice(cell);
    }
    out.extend(std::iter::repeat_n(b'}', open.len() + 1));
}

/// A name and its colon, behind a comma where one is due.
fn write_name(name: &str, out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    cells::write_json_text(name.as_bytes(), out);
    out.push(b':');
}

/// Writes what can be displayed; writing to memory does not fail.
fn write(value: impl std::fmt::Display, out: &mut Vec<u8>) {
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests;
