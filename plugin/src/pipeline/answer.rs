//! The answer to a request of Kinesis Analytics preprocessing or of a Firehose transformation.

use super::Counts;
use super::lines::Lines;
use crate::decode::respond::{Response, Verdict};
use crate::decode::{Context, Leaf, Sink};
use crate::failure::Failure;

/// Bytes of the longest answer: ten times what Lambda lets a function give back.
const LONGEST: usize = 64 << 20;

/// Collects the lines of each record of a request.
pub(super) struct Answer<'a> {
    lines: Lines<'a>,
    response: Response,
    /// Records inside each other: only the outermost are the request's.
    depth: usize,
    /// The data of the present record, as it came.
    data: Vec<u8>,
    before: Counts,
    is_request: bool,
}

impl<'a> Answer<'a> {
    pub(super) fn new(lines: Lines<'a>) -> Self {
        let (response, before) = (Response::default(), Counts::default());
        Answer { lines, response, depth: 0, data: Vec::new(), before, is_request: false }
    }

    /// The answer, if there was a record with an id to answer.
    pub(super) fn finish(self) -> Option<String> {
        self.is_request.then(|| self.response.finish())
    }
}

impl Sink for Answer<'_> {
    fn leaf(&mut self, leaf: Leaf<'_>, context: &Context<'_>) {
        self.lines.leaf(leaf, context);
    }

    fn opens(&mut self, text: &[u8]) -> bool {
        self.lines.opens(text)
    }

    fn dropped(&mut self, reason: &str, context: &Context<'_>) {
        self.lines.dropped(reason, context);
    }

    fn failed(&mut self, failure: &Failure, raw: &[u8], context: &Context<'_>) {
        self.lines.failed(failure, raw, context);
    }

    fn record_begins(&mut self, data: &[u8], _: &Context<'_>) {
        self.depth += 1;
        if self.depth == 1 {
            self.before = self.lines.counts;
            self.data.clear();
            self.data.extend_from_slice(data);
        }
    }

    fn record_ends(&mut self, context: &Context<'_>) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth > 0 {
            return;
        }
        self.lines.turn();
        if let Some(id) = context.record_id {
            self.is_request = true;
            let Counts { ok, failed, .. } = self.lines.counts;
            let is_short = self.response.len() + self.lines.out.len() / 3 * 4 <= LONGEST;
            if ok > self.before.ok && is_short {
                self.response.push(id, Verdict::Ok, &self.lines.out);
            } else if ok > self.before.ok || failed > self.before.failed {
                self.response.push_encoded(id, Verdict::ProcessingFailed, &as_it_came(&self.data));
            } else {
                self.response.push(id, Verdict::Dropped, &[]);
            }
        }
        self.lines.out.clear();
    }
}

/// Data that was base64 as it stands; what is none by mistake, or is no text, cannot stand in a JSON string.
fn as_it_came(data: &[u8]) -> String {
    let is_base64 = |c: &u8| c.is_ascii_alphanumeric() || b"+/=-_".contains(c);
    if data.iter().all(is_base64) { String::from_utf8_lossy(data).into_owned() } else { String::new() }
}
