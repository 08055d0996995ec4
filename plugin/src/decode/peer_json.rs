//! CloudWatch Logs documents by serde_json, for `cargo bench --bench libraries` only, as [`peers`](super::peers) are.

/// Decodes the CloudWatch Logs document at `at` by serde_json, strings borrowed, and gives the place behind it.
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
