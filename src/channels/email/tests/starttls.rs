//! STARTTLS at the receiver: what was said in the clear is forgotten, and nothing sneaks in.

use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::certificates::{self, Flaw};
use super::support::{Client, Memory, Server, settings};

async fn secured_server() -> (Server, CertificateDer<'static>) {
    let (acceptor, root) = certificates::server(Flaw::None);
    let mut settings = settings();
    settings.timeouts.handshake = Duration::from_millis(300);
    settings.tls.store(Some(Arc::new(acceptor)));
    (Server::with(settings, Memory::default()).await, root)
}

async fn secure(client: Client<TcpStream>, root: CertificateDer<'static>) -> Client<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    Client::new(certificates::client(root).connect(name, client.stream).await.unwrap())
}

#[tokio::test]
async fn mail_comes_over_tls_and_the_clear_part_is_forgotten() {
    let (server, root) = secured_server().await;
    let mut client = server.client().await;
    client.send("EHLO liar.example\r\n").await;
    assert!(client.reply().await.contains("250-STARTTLS\r\n"));
    assert_eq!(client.ask("MAIL FROM:<liar@shop.example>").await, 250);
    assert_eq!(client.ask("STARTTLS").await, 220);
    let mut client = secure(client, root).await;
    assert_eq!(client.ask("MAIL FROM:<anna@shop.example>").await, 503, "EHLO is forgotten");
    client.send("EHLO client.example\r\n").await;
    assert!(!client.reply().await.contains("STARTTLS"));
    assert_eq!(client.ask("STARTTLS").await, 503);
    client.open_data().await;
    assert_eq!(client.ask("a: b\r\n\r\n.").await, 250);
    let (envelope, _) = server.last();
    assert_eq!(envelope.helo, "client.example");
    assert_eq!(envelope.tls.unwrap().version, "TLSv1_3");
    assert!(envelope.tls.unwrap().cipher.starts_with("TLS13_"));
}

#[tokio::test]
async fn bytes_behind_starttls_end_the_session() {
    let (server, _) = secured_server().await;
    let mut client = server.greeted().await;
    client.send("STARTTLS\r\nMAIL FROM:<x@shop.example>\r\n").await;
    assert_eq!(client.codes_until_end().await, [503]);
    // In a later segment they are no handshake.
    let mut client = server.greeted().await;
    assert_eq!(client.ask("STARTTLS").await, 220);
    client.send("MAIL FROM:<x@shop.example>\r\nRCPT TO:<help@ours.example>\r\n").await;
    let mut rest = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut client.stream, &mut rest).await;
    assert!(!rest.windows(3).any(|window| window == b"250"), "{rest:?}");
    assert_eq!(server.greeted().await.ask("NOOP").await, 250);
}

#[tokio::test]
async fn closing_tls_in_a_message_stores_nothing() {
    let (server, root) = secured_server().await;
    let mut client = server.greeted().await;
    assert_eq!(client.ask("STARTTLS").await, 220);
    let mut client = secure(client, root).await;
    assert_eq!(client.ask("EHLO client.example").await, 250);
    client.open_data().await;
    client.send("a: b\r\n\r\nhalf").await;
    client.stream.get_mut().1.send_close_notify();
    client.stream.flush().await.unwrap();
    let (mut socket, _) = client.stream.into_inner();
    let _ = socket.write_all(b"\r\n.\r\nNOOP\r\n").await;
    let mut rest = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut rest).await;
    assert!(!rest.windows(3).any(|window| window == b"250"), "nothing in the clear is answered");
    assert_eq!(server.count(), 0);
    assert_eq!(server.greeted().await.ask("NOOP").await, 250);
}

#[tokio::test]
async fn half_a_handshake_is_not_waited_for_long() {
    let (server, root) = secured_server().await;
    let hello = client_hello(root);
    let pieces = [0, 1, 4, 5, 6, 9, 43, hello.len() / 2, hello.len() - 1];
    let mut waiting = Vec::new();
    for length in pieces {
        let mut client = server.greeted().await;
        assert_eq!(client.ask("STARTTLS").await, 220);
        client.send(&hello[..length]).await;
        waiting.push(client);
    }
    for mut client in waiting {
        let mut rest = Vec::new();
        let end = tokio::io::AsyncReadExt::read_to_end(&mut client.stream, &mut rest);
        assert!(tokio::time::timeout(Duration::from_secs(5), end).await.is_ok());
    }
    assert_eq!(server.greeted().await.ask("NOOP").await, 250);
}

#[tokio::test]
async fn a_hello_in_single_bytes_is_understood() {
    let (server, root) = secured_server().await;
    let mut client = server.greeted().await;
    client.stream.set_nodelay(true).unwrap();
    assert_eq!(client.ask("STARTTLS").await, 220);
    for byte in client_hello(root) {
        assert!(client.send([byte]).await);
        tokio::task::yield_now().await;
    }
    let mut answer = [0_u8; 5];
    tokio::io::AsyncReadExt::read_exact(&mut client.stream, &mut answer).await.unwrap();
    assert_eq!(answer[0], 22, "a handshake record, not an alert");
}

fn client_hello(root: CertificateDer<'static>) -> Vec<u8> {
    let config = Arc::clone(certificates::client(root).config());
    let mut connection = rustls::ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).unwrap();
    hello
}
