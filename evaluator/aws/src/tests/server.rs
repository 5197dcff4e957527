//! A server that answers as it is told: for what no emulator does on demand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cell_eval::provider::pace::Patience;

use crate::{AwsCloud, Keys, Settings};

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// The operation, of services that name it in a header.
    pub(crate) operation: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What the server does.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// It answers: status, headers, body.
    Says(u16, Vec<(String, String)>, Vec<u8>),
    /// It closes the connection without an answer.
    Nothing,
    /// It answers half of this.
    Half(Vec<u8>),
}

/// An answer of a service that speaks JSON.
pub(crate) fn json(status: u16, body: &str) -> Reply {
    let headers = vec![
        ("Content-Type".to_owned(), "application/x-amz-json-1.1".to_owned()),
        ("x-amzn-RequestId".to_owned(), "req-1".to_owned()),
    ];
    Reply::Says(status, headers, body.as_bytes().to_vec())
}

/// A refusal of a service that speaks JSON.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Reply {
    json(status, &format!(r#"{{"__type":"com.amazon#{code}","Message":"{message}"}}"#))
}

/// A page for people.
pub(crate) fn page(status: u16) -> Reply {
    let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
    Reply::Says(status, headers, b"<!doctype html>\n<h1>Internal Server Error</h1>".to_vec())
}

type Handler = dyn Fn(&Request, usize) -> Reply + Send + Sync;

/// A server on a free port, until the process ends.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts one; the handler gets each request and how many of its operation came before.
    pub(crate) fn start(handler: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Request>>>::default());
        let (handler, log): (Arc<Handler>, _) = (Arc::new(handler), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handler, log) = (Arc::clone(&handler), Arc::clone(&log));
                std::thread::spawn(move || serve(stream, &*handler, &log));
            }
        });
        Self { address, seen }
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// Settings that reach it, with little patience.
    pub(crate) fn settings(&self) -> Settings {
        let ms = Duration::from_millis;
        Settings {
            endpoint: Some(format!("http://{}", self.address)),
            credentials: Some(Keys::test()),
            tps: 1000.0,
            burst: 100,
            organizations_tps: 1000.0,
            patience: Patience { attempts: 5, base: ms(1), cap: ms(20), total: ms(5000) },
            attempt_timeout: ms(2000),
            ..Settings::default()
        }
    }

    /// A cloud that reaches it.
    pub(crate) fn cloud(&self) -> AwsCloud {
        AwsCloud::connect(&self.settings()).unwrap()
    }
}

fn serve(mut stream: TcpStream, handler: &Handler, log: &Mutex<Vec<Request>>) {
    let Some(request) = receive(&stream) else { return };
    let before = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|r| r.operation == request.operation && r.method == request.method).count();
        log.push(request.clone());
        before
    };
    match handler(&request, before) {
        Reply::Says(status, headers, body) => answer(&mut stream, status, &headers, &body, body.len()),
        Reply::Half(body) => answer(&mut stream, 200, &[], &body[..body.len() / 2], body.len()),
        Reply::Nothing => {}
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn answer(stream: &mut TcpStream, status: u16, headers: &[(String, String)], body: &[u8], length: usize) {
    let mut head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(b"\r\n");
    let _ = stream.write_all(body);
}

fn receive(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let mut request =
        Request { method: words.next()?.to_owned(), path: words.next()?.to_owned(), ..Request::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.header("content-length").and_then(|n| n.parse().ok()).unwrap_or_default();
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    let target = request.header("x-amz-target").unwrap_or_default();
    request.operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    Some(request)
}
