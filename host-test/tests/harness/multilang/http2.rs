//! What the library of version 3 wants of Kinesis and kinesalite does not have: HTTP/2, and the children of a shard in the answer
//! that ends it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::STREAM;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// Stands before kinesalite.
pub(super) struct Http2 {
    pub(super) url: String,
    _runtime: tokio::runtime::Runtime,
}

impl Http2 {
    pub(super) fn before(kinesis: &str) -> Http2 {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let kinesis = Kinesis { client, url: kinesis.to_owned(), iterators: Arc::default() };
        let router = Router::new().fallback(hand_on).with_state(kinesis);
        runtime.spawn(async move {
            axum_server::from_tcp(listener).unwrap().serve(router.into_make_service()).await.unwrap();
        });
        Http2 { url, _runtime: runtime }
    }
}

#[derive(Clone)]
struct Kinesis {
    client: reqwest::Client,
    url: String,
    /// The shard of each iterator.
    iterators: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Kinesis {
    async fn ask(&self, headers: HeaderMap, body: Vec<u8>) -> reqwest::Result<(StatusCode, HeaderMap, Vec<u8>)> {
        let answer = self.client.post(&self.url).headers(headers).body(body).send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok((status, headers, answer.bytes().await?.to_vec()))
    }

    /// Adds to the answer that ends a shard which shards follow it.
    async fn complete(&self, headers: &HeaderMap, request: &[u8], answer: Vec<u8>) -> reqwest::Result<Vec<u8>> {
        let action = headers.get(TARGET).and_then(|target| target.to_str().ok()?.split('.').nth(1));
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let Ok(mut read) = serde_json::from_slice::<Value>(&answer) else { return Ok(answer) };
        let shard = match action {
            Some("GetShardIterator") => request["ShardId"].as_str().map(str::to_owned),
            Some("GetRecords") => {
                let iterator = request["ShardIterator"].as_str().unwrap_or_default();
                self.iterators.lock().unwrap().get(iterator).cloned()
            }
            _ => None,
        };
        let Some(shard) = shard else { return Ok(answer) };
        let next = read["ShardIterator"].as_str().or(read["NextShardIterator"].as_str());
        if let Some(next) = next {
            self.iterators.lock().unwrap().insert(next.to_owned(), shard);
            return Ok(answer);
        }
        let mut headers = headers.clone();
        headers.insert(TARGET, HeaderValue::from_static("Kinesis_20131202.ListShards"));
        let listed = self.ask(headers, json!({ "StreamName": STREAM }).to_string().into_bytes()).await?.2;
        let listed: Value = serde_json::from_slice(&listed).unwrap();
        let children = listed["Shards"].as_array().unwrap().iter().filter_map(|listed| {
            let parents: Vec<&str> =
                ["ParentShardId", "AdjacentParentShardId"].iter().filter_map(|name| listed[name].as_str()).collect();
            parents.contains(&shard.as_str()).then(|| {
                json!({ "ShardId": listed["ShardId"], "HashKeyRange": listed["HashKeyRange"], "ParentShards": parents })
            })
        });
        read["ChildShards"] = children.collect();
        Ok(read.to_string().into_bytes())
    }

    async fn hand_on(&self, request: Request<Body>) -> reqwest::Result<Response> {
        let (parts, body) = request.into_parts();
        let mut headers = parts.headers;
        headers.remove("host");
        headers.remove("content-length");
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let (status, answered, answer) = self.ask(headers.clone(), body.clone()).await?;
        let mut response = Response::builder().status(status);
        for (name, value) in &answered {
            // The checksum is that of the answer as it was.
            let names = ["connection", "transfer-encoding", "keep-alive", "content-length", "x-amz-crc32"];
            if !names.contains(&name.as_str()) {
                response = response.header(name, value);
            }
        }
        let answer = if status.is_success() { self.complete(&headers, &body, answer).await? } else { answer };
        Ok(response.body(Body::from(answer)).unwrap())
    }
}

async fn hand_on(State(kinesis): State<Kinesis>, request: Request<Body>) -> Response {
    kinesis.hand_on(request).await.unwrap_or_else(|_| {
        // A daemon that outlives kinesalite for a moment.
        Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).unwrap()
    })
}
