//! A page's end of the live socket.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{Client, PATIENCE};

/// An open socket.
pub struct Live {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Live {
    /// Opens one as a page does: with the session's cookie, from our own origin. The greeting is read.
    pub async fn of(client: &Client, address: SocketAddr, after: Option<u64>) -> Live {
        let origin = format!("http://{address}");
        let headers = [("cookie", client.cookie()), ("origin", origin.as_str())];
        let mut live = Live::open(address, after, &headers).await.unwrap();
        let hello = live.next().await.expect("a greeting");
        assert_eq!(hello["type"], "hello", "{hello}");
        if let Some(after) = after {
            assert_eq!(hello["change"], after);
        }
        live
    }

    /// Opens one with these headers; the status when it is refused.
    pub async fn open(address: SocketAddr, after: Option<u64>, headers: &[(&'static str, &str)]) -> Result<Live, u16> {
        let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
        let mut request = format!("ws://{address}/api/v1/live{after}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Live { stream }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Says something, which a page never does.
    pub async fn say(&mut self, text: String) {
        self.stream.send(Message::Text(text.into())).await.unwrap();
    }

    /// The next frame; none once the socket has been closed.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("a frame, or the end");
            match message {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Frames up to and with the first that fits.
    pub async fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            let frame = self.next().await.unwrap_or_else(|| panic!("closed before {what}: {frames:#?}"));
            let found = fits(&frame);
            frames.push(frame);
            if found {
                return frames;
            }
        }
    }

    /// Frames until the socket is closed by the server.
    pub async fn rest(&mut self) -> Vec<Value> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}
