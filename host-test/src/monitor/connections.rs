//! Connections: how many at once, and how long they may keep silent.
//!
//! A connection takes a file descriptor, of which a process has a limited number, so a sender that opens connections and
//! does not go on must not take all of them for long. Beyond the limit connections wait in the system's queue.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::{AddrListener, Address, Server};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::told::Told;

/// Time for the head of the first request, and for the TLS handshake before it.
const FIRST_HEAD: Duration = Duration::from_secs(10);
/// Time between an answer and the end of the next request's head: how long a connection may be idle.
const NEXT_HEAD: Duration = Duration::from_secs(75);
/// How often the other end of an HTTP/2 connection is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Connections beside those of senders that wait for their answer.
const OTHERS: usize = 1_024;

/// A server on this listener, of whose connections so many may wait for an answer.
pub(crate) fn server(listener: std::net::TcpListener, waiting: usize) -> io::Result<Server<Peer>> {
    listener.set_nonblocking(true)?;
    let listener = Listener::new(TcpListener::from_std(listener)?, most(waiting.saturating_add(OTHERS)));
    let told = Told::default();
    let mut server = Server::from_listener(listener).first_request_timeout(FIRST_HEAD);
    // With a peer it is a handshake that failed, which is the peer's matter.
    server = server.accept_error_handler(move |peer, error| {
        if peer.is_none() {
            told.tell(&format!("cannot accept connections: {error}"));
        }
    });
    let builder = server.http_builder();
    builder.http1().header_read_timeout(NEXT_HEAD);
    builder.http2().keep_alive_interval(KEEP_ALIVE);
    Ok(server)
}

/// How many of these connections the process may have: three quarters of the files that it may open, as many as the system
/// grants.
#[cfg(unix)]
fn most(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).is_ok();
    let files = if raised { limit.maximum } else { limit.current };
    let most = files.map_or(wanted, |files| wanted.min(usize::try_from(files).unwrap_or(usize::MAX) / 4 * 3)).max(1);
    if most < wanted {
        tracing::info!("at most {most} connections, since the process may open {} files", files.unwrap_or_default());
    }
    most
}

#[cfg(not(unix))]
fn most(wanted: usize) -> usize {
    wanted
}

/// The address of the other end of a [`Connection`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(SocketAddr);

impl Address for Peer {
    type Stream = Connection;
    type Listener = Listener;
}

/// Accepts connections as long as there are not too many.
pub(crate) struct Listener {
    listener: TcpListener,
    free: Arc<Semaphore>,
}

impl Listener {
    fn new(listener: TcpListener, most: usize) -> Self {
        Listener { listener, free: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))) }
    }
}

impl AddrListener<Connection, Peer> for Listener {
    async fn bind_to(Peer(address): Peer) -> io::Result<Self> {
        Ok(Listener::new(TcpListener::bind(address).await?, most(OTHERS)))
    }

    async fn accept_stream(&self) -> io::Result<(Connection, Peer)> {
        let permit = self.free.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = self.listener.accept().await?;
        Ok((Connection { stream, _permit: permit }, Peer(peer)))
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        self.listener.local_addr().map(Peer)
    }
}

/// A connection, which counts as long as it lasts.
pub(crate) struct Connection {
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
