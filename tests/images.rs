//! Images of other servers in mail: asked for only when somebody looks, and never from inside.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::support::{TestServer, mail};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

/// A web server of the sender's, and what it was asked for.
fn web_server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            seen.lock().unwrap().push(head);
            let (status, more, body): (_, String, Vec<u8>) = match path.as_str() {
                "/a.png?who=ada&n=1" => ("200 OK", "Set-Cookie: t=1\r\n".into(), PNG.to_vec()),
                "/moved" => ("302 Found", "Location: /a.png?who=ada&n=1\r\n".into(), Vec::new()),
                "/page" => ("200 OK", "Content-Type: image/png\r\n".into(), b"<svg onload=alert(1)>".to_vec()),
                "/large" => ("200 OK", String::new(), [PNG, &vec![0; 9 << 20]].concat()),
                _ => ("404 Not Found", String::new(), Vec::new()),
            };
            let head = format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\n\r\n", body.len());
            // Who has read enough goes away.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    (address, asked)
}

fn newsletter(server: SocketAddr) -> String {
    let images = ["/a.png?who=ada&amp;n=1", "/moved", "/page", "/large", "/gone"];
    let html: String = images.iter().map(|path| format!("<img src=\"http://{server}{path}\">")).collect();
    mail("Shop <shop@example.org>", "Offers", &format!("<p>Look</p>{html}")).replace("text/plain", "text/html")
}

/// The one mail there is.
async fn message(client: &crate::support::Client) -> Value {
    let rows = client.get("/conversations").await.expect(200);
    let id = rows["items"][0]["id"].as_u64().unwrap();
    client.get(&format!("/conversations/{id}/messages")).await.expect(200)["items"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_fetched_for_who_asks_and_says_nothing_of_them() {
    let (web, asked) = web_server();
    let server = TestServer::start_with(|config| {
        config.fetch.private_networks = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    server.receive("shop@example.org", "hello@desk.example", &newsletter(web)).await;
    server.filed().await;
    let owner = server.owner().await;
    let newsletter = message(&owner).await;
    assert_eq!((&newsletter["remote_images"], &newsletter["fetchable_images"]), (&5.into(), &5.into()));
    let html = newsletter["html"].as_str().unwrap();
    assert!(html.contains("<img data-remote=\"0\">") && !html.contains("http"), "{html}");
    assert!(asked.lock().unwrap().is_empty(), "nothing is asked for before somebody does");

    let id = newsletter["id"].as_u64().unwrap();
    let path = |number: usize| format!("/messages/{id}/images/{number}");
    let image = owner.get(&path(0)).await;
    assert_eq!((image.status, image.bytes.as_slice()), (200, PNG));
    assert_eq!(image.headers["content-type"], "image/png");
    assert_eq!(image.headers["content-security-policy"], "sandbox; default-src 'none'");
    assert!(!image.headers.contains_key("set-cookie"));
    let head = asked.lock().unwrap()[0].to_ascii_lowercase();
    assert!(head.starts_with("get /a.png?who=ada&n=1 http/1.1\r\n"), "{head}");
    assert!(!["cookie", "referer", "authorization", "frontdesk="].iter().any(|word| head.contains(word)), "{head}");

    assert_eq!(owner.get(&path(1)).await.bytes, PNG);
    owner.get(&path(2)).await.refused(502, "image_unavailable");
    owner.get(&path(3)).await.refused(502, "image_too_large");
    owner.get(&path(4)).await.refused(502, "image_unavailable");
    owner.get(&path(5)).await.refused(404, "not_found");
    server.anonymous().get(&path(0)).await.refused(401, "unauthorized");
    server.add_restricted("Tom", "tom@desk.example").await;
    server.sign_in("tom@desk.example").await.get(&path(0)).await.refused(404, "not_found");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mail_makes_the_server_ask_its_own_network() {
    let (web, asked) = web_server();
    let server = TestServer::start().await;
    server.receive("shop@example.org", "hello@desk.example", &newsletter(web)).await;
    server.filed().await;
    let owner = server.owner().await;
    let id = message(&owner).await["id"].as_u64().unwrap();
    for number in 0..5 {
        owner.get(&format!("/messages/{id}/images/{number}")).await.refused(502, "image_unavailable");
    }
    assert!(asked.lock().unwrap().is_empty());
    server.stop().await;
}
