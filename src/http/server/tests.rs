//! The server against clients that behave badly, over real sockets on the loopback.

use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use poem::http::StatusCode;
use poem::web::websocket::{Message, WebSocket};
use poem::{IntoResponse, Response, Route, get, handler, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

#[handler]
fn hello(client: ClientAddress) -> String {
    format!("hello {}", client.0)
}

#[handler]
async fn length(body: poem::Body) -> poem::Result<String> {
    Ok(body.into_bytes().await?.len().to_string())
}

#[handler]
fn large() -> Vec<u8> {
    vec![b'x'; 64 << 20]
}

#[handler]
async fn slow() -> &'static str {
    tokio::time::sleep(MS(400)).await;
    "done"
}

#[handler]
fn socket(ws: WebSocket) -> impl IntoResponse {
    ws.on_upgrade(async |mut stream| {
        while let Some(Ok(message)) = stream.next().await {
            if message.is_text() && stream.send(Message::text("back")).await.is_err() {
                break;
            }
        }
    })
}

fn quick() -> Settings {
    let times = Times {
        first_byte: MS(300),
        head: MS(300),
        idle: MS(600),
        stall: MS(300),
        grace: MS(300),
        linger: MS(200),
        stop: MS(700),
        ..Times::default()
    };
    let bodies = vec![(String::from("/upload"), 100_000)];
    Settings { times, max_body_bytes: 1000, bodies, ..Settings::default() }
}

struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

async fn start(settings: Settings) -> Running {
    let routes = Route::new()
        .at("/", get(hello))
        .at("/length", post(length))
        .at("/upload", post(length))
        .at("/large", get(large))
        .at("/slow", get(slow))
        .at("/socket", get(socket));
    let server = HttpServer::bind("127.0.0.1:0".parse().unwrap(), settings).await.unwrap();
    let (address, shutdown) = (server.local_addr(), CancellationToken::new());
    let run = server.run(crate::http::shell::around(routes, None, &[]), shutdown.clone());
    #[expect(clippy::disallowed_methods, reason = "the test waits for it itself")]
    let task = tokio::spawn(run);
    Running { address, shutdown, task }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `bytes` and reads until the server closes.
    async fn talk(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        let _ = stream.write_all(bytes.as_ref()).await;
        read_to_end(&mut stream).await
    }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    read.expect("the server closes").expect("the server closes without a reset");
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn requests_are_answered_one_after_another_on_one_connection() {
    let server = start(quick()).await;
    let two = "GET / HTTP/1.1\r\nHost: a\r\n\r\n\
               POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
               \r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = server.talk(two).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3, "{answer}");
    assert_eq!(answer.matches("hello 127.0.0.1").count(), 2);
    let chunked = "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let answer = server.talk(chunked).await;
    assert!(answer.contains("connection: close") && answer.ends_with("\r\n\r\n3"), "{answer}");
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused_and_ends_the_connection() {
    let server = start(quick()).await;
    let post = |fields: &str, body: &str| format!("POST /length HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}");
    let second = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n";
    let attacks = [
        (400, post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
        (400, post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n")),
        (400, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n")),
        (400, post("Content-Length: +5\r\n", "abcde")),
        (400, post("Content-Length: 5\r\nContent-Length: 6\r\n", "abcde")),
        (400, post(chunked, "10000000000000000\r\nabc")),
        (400, post(chunked, "-1\r\nabc\r\n0\r\n\r\n")),
        (400, post(chunked, "3\nabc\r\n0\r\n\r\n")),
        (400, String::from("GET / HTTP/1.1\nHost: a\n\n")),
        (400, String::from("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n")),
        (400, String::from("GET / HTTP/1.1\r\nHost: a\r\nX: a\0\r\n\r\n")),
        (400, String::from("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")),
        (400, String::from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").replace("\r\n", "\n")),
        (431, format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(101))),
        (431, format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(200_000))),
        (414, format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "y".repeat(1 << 20))),
    ];
    for (expected, attack) in attacks {
        let answer = server.talk(format!("{attack}{second}")).await;
        let shown = attack.get(..120).unwrap_or(&attack);
        assert_eq!(status(&answer), expected, "{shown:?} {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{shown:?} {answer}");
        let lower = answer.to_ascii_lowercase();
        assert!(lower.contains("application/problem+json") && lower.contains("content-security-policy"), "{answer}");
        assert!(lower.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let server = start(quick()).await;
    let mut stream = server.connect().await;
    let began = Instant::now();
    for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: yes\r\n" {
        if stream.write_all(&[*byte]).await.is_err() || began.elapsed() > MS(500) {
            break;
        }
        tokio::time::sleep(MS(50)).await;
    }
    assert_eq!(status(&read_to_end(&mut stream).await), 408);
    assert!(began.elapsed() < MS(4000), "{:?}", began.elapsed());
}

#[tokio::test]
async fn silence_is_cut_off_before_and_between_requests() {
    let server = start(quick()).await;
    let began = Instant::now();
    assert_eq!(server.talk("").await, "");
    assert!((MS(250)..MS(4000)).contains(&began.elapsed()), "{:?}", began.elapsed());
    let began = Instant::now();
    let answer = server.talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(status(&answer), 200);
    assert!((MS(550)..MS(4000)).contains(&began.elapsed()), "{:?}", began.elapsed());
    let slow_handler = server.talk("GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(slow_handler.ends_with("done"), "the server's own time is not the client's: {slow_handler}");
}

#[tokio::test]
async fn a_body_that_drips_is_cut_off() {
    let server = start(quick()).await;
    for framing in ["Content-Length: 500", "Transfer-Encoding: chunked"] {
        let mut stream = server.connect().await;
        let head = format!("POST /length HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let began = Instant::now();
        while began.elapsed() < MS(500) && stream.write_all(b"1").await.is_ok() {
            tokio::time::sleep(MS(100)).await;
        }
        let answer = read_to_end(&mut stream).await;
        assert_eq!(status(&answer), 408, "{framing} {answer}");
        assert!(began.elapsed() < MS(4000), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn bodies_have_a_bound_that_depends_on_the_path() {
    let server = start(quick()).await;
    let announced = |path: &str, size: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n{}",
            "x".repeat(size)
        )
    };
    let chunked = |path: &str, size: usize| {
        let chunk = format!("{size:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(size));
        format!("POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}")
    };
    let table = [
        (200, announced("/length", 1000)),
        (413, announced("/length", 1001)),
        (200, chunked("/length", 1000)),
        (413, chunked("/length", 1001)),
        (200, announced("/upload", 100_000)),
        (413, announced("/upload", 100_001)),
        (413, chunked("/upload", 100_001)),
    ];
    for (expected, request) in table {
        let answer = server.talk(&request).await;
        assert_eq!(status(&answer), expected, "{:?} {answer}", request.get(..90));
        assert!(expected == 200 || answer.contains("\"too_large\""), "{answer}");
    }
}

#[tokio::test]
async fn a_reader_that_stops_is_cut_off() {
    let server = start(quick()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(MS(1500)).await;
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(MS(5000), stream.read_to_end(&mut rest)).await.expect("the server closes");
    assert!(rest.len() < 64 << 20, "only what was in flight arrives");
}

#[tokio::test]
async fn five_hundred_slow_clients_do_not_keep_others_out() {
    let settings = Settings { max_connections_per_address: 600, ..quick() };
    let server = start(settings).await;
    let mut slow_ones = Vec::new();
    for at in 0..500 {
        let mut stream = server.connect().await;
        let request: &[u8] = match at % 3 {
            0 => b"G",
            1 => b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n",
            _ => b"GET /large HTTP/1.1\r\nHost: a\r\n",
        };
        stream.write_all(request).await.unwrap();
        slow_ones.push(stream);
    }
    let began = Instant::now();
    let answer = server.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&answer), 200);
    assert!(began.elapsed() < MS(4000), "{:?}", began.elapsed());
    for mut stream in slow_ones {
        assert_eq!(status(&read_to_end(&mut stream).await), 408);
    }
}

#[tokio::test]
async fn one_address_cannot_take_every_place_but_a_trusted_proxy_can() {
    let settings = Settings { max_connections_per_address: 2, ..quick() };
    let server = start(settings.clone()).await;
    let (first, _second) = (server.connect().await, server.connect().await);
    tokio::time::sleep(MS(50)).await;
    let mut third = server.connect().await;
    let mut byte = [0];
    assert!(!matches!(third.read(&mut byte).await, Ok(1)), "closed at once");
    drop(first);
    tokio::time::sleep(MS(50)).await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.7\r\nConnection: close\r\n\r\n";
    assert!(server.talk(request).await.ends_with("hello 127.0.0.1"), "a stranger's claim is not believed");

    let settings = Settings { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..settings };
    let server = start(settings).await;
    let _open = [server.connect().await, server.connect().await, server.connect().await];
    assert!(server.talk(request).await.ends_with("hello 198.51.100.7"));
}

#[tokio::test]
async fn web_sockets_are_upgraded_outlive_idle_time_and_end_with_the_server() {
    let server = start(quick()).await;
    let url = format!("ws://{}/socket", server.address);
    let (mut live, answer) = tokio_tungstenite::connect_async(url).await.unwrap();
    assert_eq!(answer.status().as_u16(), 101);
    tokio::time::sleep(MS(800)).await;
    live.send(tokio_tungstenite::tungstenite::Message::text("there")).await.unwrap();
    assert_eq!(live.next().await.unwrap().unwrap().into_text().unwrap(), "back");
    server.shutdown.cancel();
    let ended = tokio::time::timeout(MS(3000), live.next()).await.expect("the server ends it");
    assert!(!matches!(ended, Some(Ok(tokio_tungstenite::tungstenite::Message::Text(_)))));
    server.task.await.unwrap();
}

#[tokio::test]
async fn a_stop_lets_requests_finish_and_takes_no_new_ones() {
    let server = start(quick()).await;
    let mut under_way = server.connect().await;
    under_way.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut idle = server.connect().await;
    tokio::time::sleep(MS(100)).await;
    server.shutdown.cancel();
    assert_eq!(read_to_end(&mut idle).await, "");
    assert!(read_to_end(&mut under_way).await.ends_with("done"));
    tokio::time::timeout(MS(4000), server.task).await.expect("stops at once").unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn tls_is_spoken_when_there_is_a_certificate() {
    let made = rcgen::generate_simple_self_signed(vec![String::from("localhost")]).unwrap();
    let chain = vec![made.cert.der().clone()];
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let slot = Arc::new(ArcSwapOption::from(Some(server_config(chain.clone(), key).unwrap())));
    let server = start(Settings { tls: Some(Arc::clone(&slot)), ..quick() }).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(chain[0].clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = builder.with_root_certificates(roots).with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, server.connect().await).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(status(&answer), 200, "{answer}");

    let began = Instant::now();
    assert_eq!(server.talk("").await, "", "a handshake that does not come is not waited for");
    assert!(began.elapsed() < MS(4000));
    slot.store(None);
    assert_eq!(server.talk("").await, "", "never plain text where TLS is meant");
}

#[test]
fn failed_accepts_are_retried_after_a_growing_pause() {
    let mut backoff = Backoff::default();
    let exhausted = io::Error::from_raw_os_error(24);
    let pauses: Vec<_> = (0..7).map(|_| backoff.after(&exhausted).unwrap().as_millis()).collect();
    assert_eq!(pauses, [100, 200, 400, 800, 1600, 1600, 1600]);
    assert_eq!(Backoff::default().after(&io::ErrorKind::ConnectionAborted.into()), None);
}

#[test]
fn refusals_are_problems() {
    let response: Response = crate::http::problem::Problem::of(StatusCode::BAD_REQUEST, "no").into_response();
    assert_eq!(response.content_type(), Some("application/problem+json"));
}

#[tokio::test]
async fn bodies_in_memory_have_a_bound_for_all_connections_together() {
    let times = Times { stall: Duration::from_secs(10), grace: Duration::from_secs(10), ..quick().times };
    let server = start(Settings { times, max_bodies_bytes: 2500, ..quick() }).await;
    let begun = format!("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{}", "x".repeat(900));
    let whole = format!("{begun}{}", "x".repeat(100)).replace("Host: a", "Host: a\r\nConnection: close");
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    // The server reads them when it comes to it.
    let deadline = Instant::now() + Duration::from_secs(10);
    let answer = loop {
        let answer = server.talk(&whole).await;
        if status(&answer) == 503 || Instant::now() > deadline {
            break answer;
        }
    };
    assert!(status(&answer) == 503 && answer.contains("retry-after: 5"), "{answer}");
    // A stream is not held in memory, and those that were begun are not harmed.
    let upload = String::from("POST /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9000\r\n\r\n");
    assert_eq!(status(&server.talk(upload + &"x".repeat(9000)).await), 200);
    for mut stream in waiting.drain(..) {
        stream.write_all("x".repeat(100).as_bytes()).await.unwrap();
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
    }
    assert_eq!(status(&server.talk(&whole).await), 200);
}
