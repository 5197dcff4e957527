//! The server: one port for all services. It owns sockets and protocols and knows no semantics.

mod answer;
mod cbor;
mod connection;
mod control;
mod query;
mod request;
mod s3;
mod xml;

use crate::engine::{Manner, Reply};
use crate::kubernetes;
use crate::sandbox::Sandbox;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
pub(crate) use connection::Cut;
use connection::Listener;
pub(crate) use query::pairs;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Objects are the largest thing sent, and they are small here.
const LARGEST: usize = 256 << 20;

/// A request with its body read.
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Answers on `listener` until `shutdown` is done. Refuses other interfaces than loopback, unless the settings
/// allow them.
pub async fn serve(
    sandbox: Arc<Sandbox>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    if !listener.local_addr()?.ip().is_loopback() && !sandbox.config().listen_anywhere {
        let message = "the sandbox listens on loopback only, unless its settings say otherwise";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    let router = Router::new().fallback(handle).with_state(sandbox);
    let service = router.into_make_service_with_connect_info::<Cut>();
    // Clients keep connections open: waiting for them to close would wait for ever.
    tokio::select! {
        result = axum::serve(Listener(listener), service) => result,
        () = shutdown => Ok(()),
    }
}

async fn handle(
    State(sandbox): State<Arc<Sandbox>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut received = Received { method: parts.method, uri: parts.uri, headers: parts.headers, body: body.into() };
    // A page in a browser must not reach the sandbox, even on loopback.
    if received.headers.contains_key("origin") {
        return StatusCode::FORBIDDEN.into_response();
    }
    if received.uri.path().starts_with("/_sandbox/") {
        return control::answer(&sandbox, &received);
    }
    if received.uri.path().starts_with(kubernetes::http::PREFIX) {
        return kubernetes::http::answer(&sandbox, &received, &cut).await;
    }
    let (protocol, call) = match request::read(&mut received) {
        Ok(read) => read,
        Err(refusal) => return answer::error(&refusal.0, &refusal.1, "00000000-0000-4000-8000-000000000000"),
    };
    let reply = sandbox.call(call);
    if reply.delay > Duration::ZERO {
        tokio::time::sleep(reply.delay).await;
    }
    if reply.manner == Manner::Hangs {
        sandbox.gate().pass().await;
    }
    send(&protocol, &reply, &cut)
}

fn send(protocol: &request::Protocol, reply: &Reply, cut: &Cut) -> Response {
    let response = match &reply.answer {
        Ok(value) => answer::success(protocol, value, &reply.id),
        Err(error) => answer::error(protocol, error, &reply.id),
    };
    match reply.manner {
        Manner::Whole => response,
        Manner::Never | Manner::Hangs => {
            cut.before_answer();
            response
        }
        Manner::Half => {
            cut.after_half(&response);
            response
        }
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A sandbox that answers from a thread of its own until this is dropped.
pub struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts answering; port 0 takes any free port.
    pub fn start(sandbox: Arc<Sandbox>, addr: SocketAddr) -> io::Result<Self> {
        if !addr.ip().is_loopback() && !sandbox.config().listen_anywhere {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the sandbox listens on loopback only"));
        }
        let listener = std::net::TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let body = move || {
            runtime.block_on(async move {
                if let Ok(listener) = TcpListener::from_std(listener) {
                    // The listener's address was checked above; nothing is left to fail but accepting.
                    let _ = serve(sandbox, listener, async { drop(stopped.await) }).await;
                }
            });
        };
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(body)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it answers: the value for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A body and a status, with the request's id.
pub(crate) fn response(status: u16, kind: &str, id: &str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(&mut response, "content-type", kind);
    put(&mut response, "x-amzn-requestid", id);
    put(&mut response, "x-amz-request-id", id);
    response
}

/// Sets a header; one that HTTP cannot carry is left out.
pub(crate) fn put(response: &mut Response, name: &str, value: &str) {
    use axum::http::{HeaderName, HeaderValue};
    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
        response.headers_mut().insert(name, value);
    }
}
