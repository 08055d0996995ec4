use std::sync::Arc;

use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

use super::*;

/// Writes a column of which some values are null.
fn column<T: DataType>(writer: &mut SerializedColumnWriter<'_>, level: i16, values: &[Option<T::T>]) {
    let levels: Vec<i16> = values.iter().map(|value| if value.is_some() { level } else { level - 1 }).collect();
    let values: Vec<T::T> = values.iter().flatten().cloned().collect();
    writer.typed::<T>().write_batch(&values, Some(&levels), None).unwrap();
}

type Write = Box<dyn Fn(&mut SerializedColumnWriter<'_>)>;

/// The payloads of a file with this schema and these columns, in each of so many row groups.
fn payloads(schema: &str, groups: usize, columns: &[Write], block: usize) -> Vec<(u64, u64, String)> {
    let schema = Arc::new(parse_message_type(&format!("message rows {{ {schema} }}")).unwrap());
    let file = crate::private::temporary().unwrap();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(file.try_clone().unwrap(), schema, properties).unwrap();
    for _ in 0..groups {
        let mut group = writer.next_row_group().unwrap();
        for write in columns {
            let mut column = group.next_column().unwrap().unwrap();
            write(&mut column);
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    let mut rows = Rows::open(file, block).unwrap();
    let payloads = std::iter::from_fn(|| rows.next_payload().unwrap());
    payloads.map(|payload| (payload.line, payload.last_line, String::from_utf8(payload.data).unwrap())).collect()
}

fn texts(values: &[Option<&str>]) -> Vec<Option<ByteArray>> {
    values.iter().map(|value| value.map(ByteArray::from)).collect()
}

#[test]
fn fields_of_flow_logs_become_lines_in_payloads_of_bounded_size() {
    let columns: [Write; 4] = [
        Box::new(|writer| column::<ByteArrayType>(writer, 1, &texts(&[Some("eni-1"), None, Some("a b\n")]))),
        Box::new(|writer| column::<Int64Type>(writer, 1, &[Some(1_418_530_010_500_000), Some(-1), None])),
        Box::new(|writer| column::<Int32Type>(writer, 1, &[Some(-1), None, Some(7)])),
        Box::new(|writer| column::<Int64Type>(writer, 1, &[Some(1), Some(2), Some(3)])),
    ];
    let schema = "optional binary interface_id (UTF8); optional int64 start (TIMESTAMP_MICROS); \
                  optional int32 srcport (UINT_32); optional int64 bytes;";
    let header = "interface-id start srcport bytes";
    let block = format!("{header}\neni-1 1418530010 4294967295 1\n- -1 - 2\na_b_ - 7 3");
    assert_eq!(payloads(schema, 2, &columns, 1 << 20), [(1, 6, format!("{block}{}", &block[header.len()..]))]);
    let small: Vec<(u64, u64)> =
        payloads(schema, 2, &columns, 60).iter().map(|(first, last, _)| (*first, *last)).collect();
    assert_eq!(small, [(1, 1), (2, 4), (5, 6)]);
}

#[test]
fn other_columns_become_json_with_groups_as_objects_and_without_what_is_null() {
    let columns: [Write; 5] = [
        Box::new(|writer| column::<Int64Type>(writer, 1, &[Some(1_700_000_000_123), None])),
        Box::new(|writer| column::<ByteArrayType>(writer, 2, &texts(&[Some("10.0.0.1"), None]))),
        Box::new(|writer| column::<DoubleType>(writer, 3, &[Some(0.5), Some(f64::NAN)])),
        Box::new(|writer| column::<Int64Type>(writer, 1, &[Some(-1_234), Some(5)])),
        Box::new(|writer| column::<BoolType>(writer, 1, &[None, Some(true)])),
    ];
    let schema = "optional int64 time (TIMESTAMP_MILLIS); \
                  optional group src { optional binary ip (UTF8); optional group traffic { optional double rate; } } \
                  optional int64 price (DECIMAL(18, 2)); optional boolean is_odd;";
    assert_eq!(
        payloads(schema, 1, &columns, 1 << 20),
        [(
            1,
            2,
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"src\":{\"ip\":\"10.0.0.1\",\"traffic\":{\"rate\":0.5}},\"price\":-12.34}\n\
             {\"src\":{\"traffic\":{\"rate\":null}},\"price\":0.05,\"is_odd\":true}"
                .into()
        )]
    );
}
