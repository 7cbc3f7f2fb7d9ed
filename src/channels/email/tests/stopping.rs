//! Stopping in order: messages under way arrive, everybody else is told to come again.

use std::time::Duration;

use super::support::{Memory, Server, settings};

#[tokio::test]
async fn idle_clients_are_told_and_a_message_is_finished() {
    let server = Server::start().await;
    let mut idle = server.greeted().await;
    let mut sending = server.greeted().await;
    sending.open_data().await;
    sending.send("a: b\r\n\r\nhalf").await;
    server.shutdown.cancel();
    assert_eq!(idle.codes_until_end().await, [421]);
    sending.send(" and half\r\n.\r\n").await;
    assert_eq!(sending.codes_until_end().await, [250, 421]);
    assert_eq!(server.count(), 1);
    let address = server.address;
    server.ended().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "the port is free");
}

#[tokio::test]
async fn a_message_that_does_not_come_is_not_waited_for_long() {
    let mut hasty = settings();
    hasty.timeouts.stop = Duration::from_millis(80);
    let server = Server::with(hasty, Memory::default()).await;
    let mut client = server.greeted().await;
    client.open_data().await;
    client.send("a: b\r\n\r\nhalf").await;
    server.shutdown.cancel();
    assert_eq!(client.codes_until_end().await, [421]);
    assert_eq!(server.count(), 0);
    server.ended().await;
}
