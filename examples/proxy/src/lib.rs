//! An HTTP service made of two components: this one speaks HTTP (`wasi:http`), and flowscore, which it imports, scores. Nothing of
//! flowscore's harness is in it.
//!
//! `POST` payloads, a line each; the answer is their events, lines of JSON. Each request has a model of its own, since a host makes an
//! instance for each: it is a service for whole files. How to build, compose and run it: docs/hosts.md.

use flowscore::transform::scoring::{ConfigError, Payload, Scored, Scorer};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::StreamError;

wit_bindgen::generate!({
    inline: "package flowscore:proxy; world scorer { import flowscore:transform/scoring@0.2.0; }",
    path: "../../wit",
    world: "flowscore:proxy/scorer",
    generate_all,
});

struct Proxy;

wasip2::http::proxy::export!(Proxy);

impl Guest for Proxy {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let (status, body) = match request.method() {
            Method::Post => match read(&request).map(|body| events(&body)) {
                Ok(Ok(events)) => (200, events),
                Ok(Err(error)) => (500, format!("{}: {}\n", error.path, error.allowed).into_bytes()),
                Err(reason) => (400, format!("{reason}\n").into_bytes()),
            },
            _ => (405, b"send payloads by POST\n".to_vec()),
        };
        answer(out, status, &body);
    }
}

/// The events of payloads, a line each.
fn events(body: &[u8]) -> Result<Vec<u8>, ConfigError> {
    let scorer = Scorer::create("")?;
    let lines = body.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    let all: Vec<Payload> =
        lines.map(|(number, line)| Payload { data: line.to_vec(), id: Some(format!("body:{}", number + 1)) }).collect();
    let mut events = Vec::new();
    let mut payloads = &all[..];
    while !payloads.is_empty() {
        let scored = scorer.transform(&payloads[..payloads.len().min(512)]);
        payloads = &payloads[scored.taken as usize..];
        take(&scorer, scored, &mut events);
    }
    take(&scorer, scorer.finish(), &mut events);
    Ok(events)
}

/// What a call gives, and what it has more to give.
fn take(scorer: &Scorer, mut scored: Scored, events: &mut Vec<u8>) {
    loop {
        events.extend_from_slice(&scored.events);
        if !scored.more {
            return;
        }
        scored = scorer.proceed();
    }
}

fn read(request: &IncomingRequest) -> Result<Vec<u8>, String> {
    let body = request.consume().map_err(|()| "the body was read before")?;
    let stream = body.stream().map_err(|()| "the body cannot be read")?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(1 << 20) {
            Ok(part) => bytes.extend_from_slice(&part),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
}

fn answer(out: ResponseOutparam, status: u16, bytes: &[u8]) {
    let response = OutgoingResponse::new(Fields::new());
    let (Ok(()), Ok(body)) = (response.set_status_code(status), response.body()) else { return };
    ResponseOutparam::set(out, Ok(response));
    let Ok(stream) = body.write() else { return };
    // As much as a stream takes at once. Whoever asked may have left.
    let written = bytes.chunks(4_096).all(|part| stream.blocking_write_and_flush(part).is_ok());
    drop(stream);
    if written {
        let _ = OutgoingBody::finish(body, None);
    }
}
