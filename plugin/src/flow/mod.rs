//! VPC flow log records: every field of every version, formats, the parser and the output.
//!
//! Sources: Amazon VPC User Guide, "Flow log records"; Amazon VPC Transit Gateways guide, "AWS Transit Gateway Flow
//! Logs".
//!
//! ```
//! use flowscore::column::Field;
//! use flowscore::flow::{Formats, Parser};
//!
//! let mut parser = Parser::new(Formats::default());
//! let line = b"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
//! let record = parser.line(line)?.record().expect("not a header line");
//! assert_eq!(record.bytes(), Some(4249));
//! assert_eq!(record.text(Field::InterfaceId), Some("eni-1235b8ca123456789"));
//!
//! let mut json = b"{".to_vec();
//! record.write_members(&mut json);
//! json.push(b'}');
//! assert!(json.starts_with(br#"{"version":2,"account_id":"123456789010","interface_id":"eni-1235b8ca123456789","#));
//! # Ok::<(), flowscore::failure::Failure>(())
//! ```

mod extracted;
mod fit;
mod format;
mod formats;
mod json;
mod one_pass;
mod page;
mod parser;
mod record;
mod step;
mod tokens;

pub use fit::{Fit, fit, is_address};
pub use format::{Column, Format, FormatError, MAX_COLUMNS};
pub use formats::Formats;
pub use json::decode_tag;
pub(crate) use page::Page;
pub use parser::{Parsed, Parser};
pub use record::{Action, FlowRecord, LogStatus};
pub(crate) use step::StepKind;
#[cfg(test)]
pub(crate) use step::slot;
