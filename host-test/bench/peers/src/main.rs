//! Payloads of a CloudWatch Logs subscription, decoded by VRL as a pipeline of Vector would: one payload in base64 a line in,
//! one flow record as JSON a line out.

use std::io::{BufRead, BufWriter, Write, stdin, stdout};

use vrl::compiler::state::RuntimeState;
use vrl::compiler::{Context, TargetValue, TimeZone, compile};
use vrl::value::{Secrets, Value};

const PROGRAM: &str = r#"
document = parse_aws_cloudwatch_log_subscription_message!(decode_gzip!(decode_base64!(.message)))
if document.message_type != "DATA_MESSAGE" { document.log_events = [] }
map_values(array!(document.log_events)) -> |event| { parse_aws_vpc_flow_log!(event.message) }
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let program = compile(PROGRAM, &vrl::stdlib::all()).map_err(|errors| format!("{errors:?}"))?.program;
    let mut out = BufWriter::new(stdout().lock());
    let (mut state, zone) = (RuntimeState::default(), TimeZone::default());
    for line in stdin().lock().lines() {
        let value = Value::Object([("message".into(), Value::from(line?))].into_iter().collect());
        let metadata = Value::Object(Default::default());
        let mut target = TargetValue { value, metadata, secrets: Secrets::default() };
        let records = program.resolve(&mut Context::new(&mut target, &mut state, &zone));
        for record in records.map_err(|error| error.to_string())?.as_array().unwrap_or_default() {
            writeln!(out, "{record}")?;
        }
        state.clear();
    }
    Ok(out.flush()?)
}
