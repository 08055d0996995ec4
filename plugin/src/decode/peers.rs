//! Libraries in place of our own code, for `cargo bench --bench libraries` only; no artifact has them. What each costs end to
//! end is in `docs/decisions.md`.
//!
//! Each does what it can; `None` leaves the input to our own code, which also names what is wrong and where.

/// Appends the deflate stream at the start of `input`, by flate2, and gives its length.
#[cfg(any(feature = "peer-miniz", feature = "peer-zlib-rs"))]
pub(super) fn inflate(input: &[u8], output: &mut super::arena::Arena, limit: usize) -> Option<usize> {
    use flate2::{Decompress, FlushDecompress, Status};

    let start = output.len();
    let mut decompress = Decompress::new(false);
    loop {
        output.reserve(64 << 10, limit);
        let read = decompress.total_in() as usize;
        let (bytes, filled) = output.parts();
        let end = bytes.len().min(limit);
        let before = decompress.total_out();
        let status = decompress.decompress(input.get(read..)?, bytes.get_mut(*filled..end)?, FlushDecompress::None);
        let written = (decompress.total_out() - before) as usize;
        *filled += written;
        match status {
            Ok(Status::StreamEnd) => return Some(decompress.total_in() as usize),
            Ok(_) if written > 0 => {}
            _ => {
                output.truncate(start);
                return None;
            }
        }
    }
}

/// Appends the bytes of a base64 text, by the crate `base64`.
#[cfg(feature = "peer-base64")]
pub(super) fn base64(text: &[u8], output: &mut super::arena::Arena) -> Option<()> {
    use ::base64::Engine as _;
    let (bytes, filled) = output.parts();
    *filled += ::base64::engine::general_purpose::STANDARD.decode_slice(text, bytes.get_mut(*filled..)?).ok()?;
    Some(())
}

/// Appends the bytes of a base64 text, by the crate `base64-simd`.
#[cfg(feature = "peer-base64-simd")]
pub(super) fn base64(text: &[u8], output: &mut super::arena::Arena) -> Option<()> {
    use base64_simd::AsOut as _;
    let (bytes, filled) = output.parts();
    *filled += base64_simd::STANDARD.decode(text, bytes.get_mut(*filled..)?.as_out()).ok()?.len();
    Some(())
}

/// The MD5 of a message, by the crate `md-5`.
#[cfg(feature = "peer-md-5")]
pub(super) fn md5(data: &[u8]) -> [u8; 16] {
    use md5::Digest as _;
    md5::Md5::digest(data).into()
}

/// Decodes the CloudWatch Logs document at `at` by serde_json, strings borrowed, and gives the place behind it.
#[cfg(feature = "peer-serde-json")]
pub(super) fn document<S: super::Sink + ?Sized>(
    engine: &mut super::engine::Engine<'_, S>,
    text: &[u8],
    at: usize,
    context: &super::Context<'_>,
) -> Option<usize> {
    use std::borrow::Cow;

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'a> {
        message_type: &'a str,
        owner: &'a str,
        log_group: &'a str,
        log_stream: &'a str,
        #[serde(borrow)]
        log_events: Vec<Event<'a>>,
    }

    #[derive(serde::Deserialize)]
    struct Event<'a> {
        id: &'a str,
        timestamp: i64,
        #[serde(borrow)]
        message: Cow<'a, str>,
    }

    let mut documents = serde_json::Deserializer::from_slice(text.get(at..)?).into_iter::<Document<'_>>();
    let document = documents.next()?.ok().filter(|document| document.message_type == "DATA_MESSAGE")?;
    let (envelope, layers) = context.inside(super::Envelope::CloudWatch);
    let context = super::Context {
        envelope,
        layers,
        owner: Some(document.owner),
        log_group: Some(document.log_group),
        log_stream: Some(document.log_stream),
        ..*context
    };
    for event in &document.log_events {
        let context =
            super::Context { event_id: Some(event.id.as_bytes()), timestamp_ms: Some(event.timestamp), ..context };
        engine.leaf(super::Leaf::Event { message: event.message.as_bytes(), extracted_fields: None }, at, &context);
    }
    Some(at + documents.byte_offset())
}
