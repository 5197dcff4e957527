//! Connections that can be cut from within: an answer that never comes, or half of one.

use axum::extract::connect_info::Connected;
use axum::response::Response;
use axum::serve::IncomingStream;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const WHOLE: usize = usize::MAX;

/// How many bytes may still be written before the connection fails.
#[derive(Clone)]
pub(crate) struct Cut(Arc<AtomicUsize>);

impl Cut {
    /// Nothing of the answer gets out.
    pub(crate) fn before_answer(&self) {
        self.0.store(0, Ordering::SeqCst);
    }

    /// The head and half of the body get out; of an answer without a body, half of the head.
    pub(crate) fn after_half(&self, response: &Response) {
        use axum::body::HttpBody as _;
        let body = usize::try_from(response.body().size_hint().exact().unwrap_or(0)).unwrap_or(0);
        let head = head_length(response, body);
        self.0.store(if body == 0 { head / 2 } else { head + body / 2 }, Ordering::SeqCst);
    }
}

/// How long the head will be when the server has added what it adds: the length and the date.
fn head_length(response: &Response, body: usize) -> usize {
    let reason = response.status().canonical_reason().unwrap_or_default().len();
    let lines: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let length = if response.headers().contains_key("content-length") {
        0
    } else {
        "content-length: \r\n".len() + body.to_string().len()
    };
    "HTTP/1.1 200 \r\n\r\n".len() + reason + lines + length + "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n".len()
}

impl Connected<IncomingStream<'_, Listener>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        stream.io().left.clone()
    }
}

/// Accepts connections that can be cut.
pub(crate) struct Listener(pub(crate) TcpListener);

impl axum::serve::Listener for Listener {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
        let _ = stream.set_nodelay(true);
        (Stream { stream, left: Cut(Arc::new(AtomicUsize::new(WHOLE))) }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection.
pub(crate) struct Stream {
    stream: TcpStream,
    left: Cut,
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.left.0.load(Ordering::SeqCst);
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let allowed = buf.get(..left.min(buf.len())).unwrap_or(buf);
        let written = Pin::new(&mut self.stream).poll_write(cx, allowed);
        if let (Poll::Ready(Ok(count)), true) = (&written, left != WHOLE) {
            self.left.0.store(left.saturating_sub(*count), Ordering::SeqCst);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
