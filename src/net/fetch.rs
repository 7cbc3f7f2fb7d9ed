//! Fetching what a stranger's text refers to: over HTTP, without credentials, within bounds, and never from
//! inside.
//!
//! Each hop is judged anew: scheme, port, and the very address that the socket goes to.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_ENCODING, HOST, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::{Guard, dial, roots};

/// Longest address that is followed, bytes.
pub const MAX_URL: usize = 8 << 10;
/// Redirects followed.
const MAX_REDIRECTS: usize = 3;
/// Bytes of a response's head.
const MAX_HEAD: usize = 16 << 10;

/// What a fetch may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes of the body.
    pub bytes: usize,
    /// All hops together, from the first name resolved to the last byte.
    pub time: Duration,
}

/// Why there is nothing. Deliberately says nothing about what stands where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No address that may be asked: another scheme, a port of a service, a user name in it.
    #[error("this address may not be fetched")]
    Refused,
    /// No connection, no HTTP, another status than 200, too many redirects, too late.
    #[error("the address does not answer with what was asked for")]
    Unavailable,
    /// More bytes than allowed.
    #[error("what is there is too large")]
    TooLarge,
}

/// What is at `url`. `accept` is sent as it is; no cookie, referrer or credential ever is.
///
/// # Errors
/// See [`FetchError`].
pub async fn fetch(url: &str, accept: &'static str, limits: Limits, guard: Guard<'_>) -> Result<Bytes, FetchError> {
    let hops = async {
        let mut url = allowed(url)?;
        for _ in 0..=MAX_REDIRECTS {
            match hop(&url, accept, limits, guard).await? {
                Answer::There(bytes) => return Ok(bytes),
                Answer::Elsewhere(to) => url = allowed(&to)?,
            }
        }
        Err(FetchError::Unavailable)
    };
    timeout(limits.time, hops).await.unwrap_or(Err(FetchError::Unavailable))
}

/// What one server says.
enum Answer {
    There(Bytes),
    Elsewhere(String),
}

/// The address, if it is one of the web that may be asked: http or https, no user name, and of the low ports
/// the web's own two alone, since others belong to services that speak something else.
fn allowed(text: &str) -> Result<Url, FetchError> {
    if text.len() > MAX_URL {
        return Err(FetchError::Refused);
    }
    let mut url = Url::parse(text).map_err(|_| FetchError::Refused)?;
    let port = url.port_or_known_default().unwrap_or_default();
    let fine = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.host().is_some()
        && (port == 80 || port == 443 || port >= 1024);
    url.set_fragment(None);
    if fine { Ok(url) } else { Err(FetchError::Refused) }
}

async fn hop(url: &Url, accept: &'static str, limits: Limits, guard: Guard<'_>) -> Result<Answer, FetchError> {
    let unavailable = |error: &dyn std::fmt::Display| {
        tracing::debug!(host = url.host_str(), %error, "fetching failed");
        FetchError::Unavailable
    };
    let host = match url.host().ok_or(FetchError::Refused)? {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    };
    let port = url.port_or_known_default().ok_or(FetchError::Refused)?;
    let stream = dial(&host, port, limits.time, guard).await.map_err(|error| unavailable(&error))?;
    if url.scheme() == "http" {
        return exchange(stream, url, accept, limits.bytes).await;
    }
    let config = roots::client_config(&[]).map_err(|error| unavailable(&error))?;
    let name = ServerName::try_from(host).map_err(|error| unavailable(&error))?;
    let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|error| unavailable(&error))?;
    exchange(stream, url, accept, limits.bytes).await
}

/// One request on a connection of its own.
async fn exchange<Io>(io: Io, url: &Url, accept: &'static str, most: usize) -> Result<Answer, FetchError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let unavailable = |_| FetchError::Unavailable;
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(io)).await.map_err(unavailable)?;
    let talk = async {
        let answer = sender.send_request(request(url, accept)).await.map_err(unavailable)?;
        let (status, headers) = (answer.status(), answer.headers());
        if status.is_redirection() {
            let to = headers.get(LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| url.join(to).ok());
            return to.map(|to| Answer::Elsewhere(to.into())).ok_or(FetchError::Unavailable);
        }
        // Nothing that is packed was asked for, and what is unpacked has no bound.
        if status != StatusCode::OK || headers.contains_key(CONTENT_ENCODING) {
            return Err(FetchError::Unavailable);
        }
        read(answer.into_body(), most).await.map(Answer::There)
    };
    tokio::select! {
        said = talk => said,
        // What the connection still holds when it ends is read to the end.
        never = async { drop(connection.await); std::future::pending().await } => never,
    }
}

fn request(url: &Url, accept: &'static str) -> Request<Empty<Bytes>> {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = format!("{}{port}", url.host_str().unwrap_or_default());
    let mut request = Request::new(Empty::new());
    // The URL's parser wrote them, and leaves nothing that these could not hold.
    *request.uri_mut() = Uri::try_from(format!("{}{query}", url.path())).unwrap_or_default();
    let headers = request.headers_mut();
    headers.extend(HeaderValue::try_from(host).map(|host| (HOST, host)));
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(USER_AGENT, HeaderValue::from_static("Frontdesk"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    request
}

async fn read(mut body: Incoming, most: usize) -> Result<Bytes, FetchError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| FetchError::Unavailable)?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(FetchError::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;

    const LIMITS: Limits = Limits { bytes: 1000, time: Duration::from_millis(700) };

    #[expect(clippy::disallowed_methods, reason = "nobody waits for a test's server")]
    /// A server that answers `/n` with the n-th answer, and tells what it was asked.
    async fn server(answers: Vec<String>) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap();
                let head = String::from_utf8_lossy(&head[..read]).into_owned();
                let path = head.split_whitespace().nth(1).unwrap_or_default();
                let answer = path.trim_start_matches('/').parse::<usize>().ok().and_then(|n| answers.get(n));
                let answer = answer.cloned().unwrap_or_else(|| "HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n".into());
                let _ = asked.send(head.clone());
                stream.write_all(answer.replace("SELF", &address.to_string()).as_bytes()).await.unwrap();
                if answer.contains("linger") {
                    kept.push(stream);
                }
            }
        });
        (address, seen)
    }

    fn anything() -> Guard<'static> {
        Guard::Anywhere
    }

    #[tokio::test]
    async fn what_is_there_is_fetched_and_little_is_said() {
        let (address, mut seen) = server(vec![
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".into(),
            "HTTP/1.1 302 Found\r\nlocation: /0\r\n\r\n".into(),
        ])
        .await;
        let got = fetch(&format!("http://{address}/1#part"), "image/*", LIMITS, anything()).await;
        assert_eq!(got.as_deref(), Ok(&b"hello"[..]));
        let first = seen.recv().await.unwrap().to_ascii_lowercase();
        assert!(first.starts_with("get /1 http/1.1\r\n") && first.contains(&format!("host: {address}\r\n")), "{first}");
        for never in ["cookie", "referer", "authorization", "accept-encoding", "#part"] {
            assert!(!first.contains(never), "{first}");
        }
        assert!(seen.recv().await.unwrap().starts_with("GET /0 "));
    }

    #[tokio::test]
    async fn what_does_not_end_or_is_too_much_is_given_up() {
        let (address, _seen) = server(vec![
            format!("HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n{}", "x".repeat(2000)),
            "HTTP/1.1 302 Found\r\nlocation: http://SELF/1\r\n\r\n".into(),
            "HTTP/1.1 200 OK\r\nx: linger\r\ncontent-length: 10\r\n\r\nab".into(),
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nab".into(),
            "HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\n\r\n".into(),
            format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "y".repeat(MAX_HEAD)),
            "220 mail.example ESMTP\r\n".into(),
        ])
        .await;
        let wanted = [
            FetchError::TooLarge,
            FetchError::Unavailable,
            FetchError::Unavailable,
            FetchError::Unavailable,
            FetchError::Refused,
            FetchError::Unavailable,
            FetchError::Unavailable,
            FetchError::Unavailable,
        ];
        for (number, wanted) in wanted.into_iter().enumerate() {
            let got = fetch(&format!("http://{address}/{number}"), "*/*", LIMITS, anything()).await;
            assert_eq!(got, Err(wanted), "{number}");
        }
    }

    #[tokio::test]
    async fn a_redirect_to_the_inside_is_judged_like_any_address() {
        let (inside, mut seen) = server(vec!["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi".into()]).await;
        let local: crate::config::Cidr = "127.0.0.1/32".parse().unwrap();
        let only = Guard::Public { also: &[local] };
        let location = format!("HTTP/1.1 302 Found\r\nlocation: http://localhost:{}/0\r\n\r\n", inside.port());
        let (outside, _) = server(vec![
            location,
            format!("HTTP/1.1 302 Found\r\nlocation: http://[::ffff:127.0.0.2]:{}/0\r\n\r\n", inside.port()),
        ])
        .await;
        // What the operator allowed is reached by any name of it, and nothing beside it.
        assert!(fetch(&format!("http://{outside}/0"), "*/*", LIMITS, only).await.is_ok());
        assert!(seen.recv().await.is_some());
        let got = fetch(&format!("http://{outside}/1"), "*/*", LIMITS, only).await;
        assert_eq!(got, Err(FetchError::Unavailable));
        let got = fetch(&format!("http://{inside}/0"), "*/*", LIMITS, Guard::Public { also: &[] }).await;
        assert_eq!(got, Err(FetchError::Unavailable));
        assert!(seen.try_recv().is_err(), "nobody knocked");
    }

    #[test]
    fn only_addresses_of_the_web_are_asked() {
        for good in ["http://x.example/a?b", "HTTPS://x.example", "http://x.example:8080/", "http://[2a00:1450::1]/"] {
            assert!(allowed(good).is_ok(), "{good}");
        }
        for bad in [
            "ftp://x.example/",
            "file:///etc/passwd",
            "http://user@x.example/",
            "http://user:pass@x.example/",
            "http://x.example:25/",
            "http://x.example:22/",
            "https://x.example:993/",
            "gopher://x.example/",
            "//x.example/",
            "/a",
            "",
            "http://",
        ] {
            assert_eq!(allowed(bad), Err(FetchError::Refused), "{bad}");
        }
        assert_eq!(allowed("http://x.example/a\r\nHost: y").unwrap().as_str(), "http://x.example/aHost:%20y");
        assert!(allowed(&format!("http://x.example/{}", "a".repeat(MAX_URL))).is_err());
    }
}
