//! A request to a server on loopback. Owns just enough of HTTP/1.1 for the control endpoints of test servers.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a request to `http://host:port` and returns the status and the body.
pub fn request(url: &str, method: &str, path: &str, body: &str) -> Result<(u16, String), String> {
    let host = url.strip_prefix("http://").ok_or_else(|| format!("{url} is no http URL"))?;
    let address: SocketAddr = host.parse().map_err(|error| format!("{url}: {error}"))?;
    let failed = |error: std::io::Error| format!("{method} {url}{path}: {error}");
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).map_err(failed)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(failed)?;
    read(&answer).ok_or_else(|| format!("{method} {url}{path}: what came is no HTTP answer"))
}

fn read(answer: &[u8]) -> Option<(u16, String)> {
    let at = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..at]).to_lowercase();
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    let body = &answer[at + 4..];
    let body = if head.contains("transfer-encoding: chunked") { unchunked(body)? } else { body.to_vec() };
    Some((status, String::from_utf8_lossy(&body).into_owned()))
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let at = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..at]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(at + 2..at + 2 + size)?);
        rest = rest.get(at + 4 + size..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whole_or_in_chunks() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        assert_eq!(read(whole), Some((200, "ok".to_owned())));
        let chunks = b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        assert_eq!(read(chunks), Some((400, "abcd".to_owned())));
        assert_eq!(read(b"nothing"), None);
    }
}
