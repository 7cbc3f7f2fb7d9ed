//! What is the same for many answers: the change they hold, their size on the way, who gets what the document does
//! not list.

use frontdesk::domain::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, TestServer, api::Answer, mail};

const HELLO: &str = "hello@desk.example";
/// Empty, as gzip writes it.
const GZIP: [u8; 2] = [0x1f, 0x8b];

async fn get_with(client: &Client, path: &str, headers: &[(&'static str, &str)]) -> Answer {
    let request = client.request(Method::GET, path);
    client.finish(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_get_says_which_change_it_holds() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    server.receive("a@b.example", HELLO, &mail("a@b.example", "News", "Words")).await;
    let file = owner.upload("a.txt", "text/plain", b"Words".to_vec()).await.expect(201)["attachment"]["id"].clone();
    let file = format!("/attachments/{file}");
    let change = |answer: &Answer| answer.headers["frontdesk-change"].to_str().unwrap().parse::<u64>().unwrap();
    let mut before = 0;
    for path in
        ["/me", "/inboxes", "/conversations/1/messages", "/messages/1/raw", &file, "/settings/workspace", "/counts"]
    {
        let answer = owner.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(change(&answer) > before, "{path}");
        before = change(&answer);
        // Following from there misses nothing: the next change comes after it.
        owner.patch("/conversations/1", json!({ "tags": [before.to_string()] })).await.expect(200);
        let later = owner.get(&format!("/changes?after={before}")).await.expect(200);
        assert_eq!(later["items"][0]["conversation"]["tags"][0], before.to_string(), "{path}: {later}");
    }
    assert!(owner.patch("/me", json!({ "language": "pl" })).await.headers.get("frontdesk-change").is_none());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_packed_for_who_takes_it_and_files_are_not() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let letter = mail("a@b.example", "News", &"Many words. ".repeat(500));
    server.receive("a@b.example", HELLO, &letter).await;
    let text = "{}".repeat(2000);
    let file = owner.upload("a.json", "application/json", text.clone().into_bytes()).await.expect(201);
    let file = format!("/attachments/{}", file["attachment"]["id"]);
    let gzip = [("accept-encoding", "gzip, deflate")];
    for path in ["/conversations/1/messages", "//api/openapi.json"] {
        let plain = owner.get(path).await;
        plain.expect(200);
        assert!(plain.headers.get("content-encoding").is_none(), "{path}");
        let packed = get_with(&owner, path, &gzip).await;
        assert_eq!((packed.status, &packed.headers["content-encoding"]), (200, &"gzip".parse().unwrap()), "{path}");
        assert_eq!(packed.headers["vary"], "accept-encoding");
        assert!(packed.bytes.starts_with(&GZIP) && packed.bytes.len() * 2 < plain.bytes.len(), "{path}");
        let refused = get_with(&owner, path, &[("accept-encoding", "gzip;q=0, identity")]).await;
        assert_eq!(refused.bytes, plain.bytes, "{path}");
    }
    // Too short, a file, the original mail.
    for path in ["/inboxes", &file, "/messages/1/raw"] {
        let answer = get_with(&owner, path, &gzip).await;
        assert!(answer.status == 200 && answer.headers.get("content-encoding").is_none(), "{path}");
    }
    assert!(get_with(&owner, &file, &gzip).await.bytes == text.as_bytes());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_request_is_not_unpacked() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    let before = owner.get("/me").await.expect(200);
    // `{"language":"pl"}`, as gzip stores it: a small one of these could be unpacked to gigabytes.
    let body = br#"{"language":"pl"}"#;
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, 17, 0, 238, 255];
    packed.extend_from_slice(body);
    packed.extend_from_slice(&crc32(body).to_le_bytes());
    packed.extend_from_slice(&17_u32.to_le_bytes());
    let request = owner.request(Method::PATCH, "/me").header("content-type", "application/json");
    owner.finish(request.header("content-encoding", "gzip").body(packed)).await.refused(400, "invalid");
    let after: Value = owner.get("/me").await.expect(200);
    assert_eq!(after["agent"], before["agent"]);
    server.stop().await;
}

/// The checksum that gzip ends with (RFC 1952, section 8).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// Every route that is not in the document, asked by everybody.
#[tokio::test(flavor = "multi_thread")]
async fn routes_outside_the_document_are_for_whom_they_are_for() {
    let server = TestServer::start().await;
    let mut askers = vec![server.anonymous(), server.anonymous().with_token("made-up")];
    for (name, role) in [("viewer", Role::Viewer), ("agent", Role::Agent), ("admin", Role::Admin)] {
        let id = server.add_agent(name, &format!("{name}@desk.example"), role).await;
        askers.push(server.anonymous().with_token(&server.token(id, true).await));
    }
    let upgrade: &[(&'static str, &str)] = &[
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-extensions", "permessage-deflate"),
    ];
    // As somebody from elsewhere, where that counts.
    let away: &[(&'static str, &str)] = &[("host", "desk.example")];
    let table: [(&str, &[(&'static str, &str)], [u16; 5]); 7] = [
        ("//healthz", away, [200, 200, 200, 200, 200]),
        ("//metrics", away, [401, 401, 401, 401, 200]),
        ("//api/openapi.json", away, [200, 200, 200, 200, 200]),
        ("//api/docs", away, [200, 200, 200, 200, 200]),
        ("//api/docs/style.css", away, [200, 200, 200, 200, 200]),
        ("/live", upgrade, [401, 401, 101, 101, 101]),
        ("/nowhere", away, [404, 404, 404, 404, 404]),
    ];
    for (path, headers, statuses) in table {
        for (asker, status) in askers.iter().zip(statuses) {
            let request = asker.request(Method::GET, path);
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let response = request.send().await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{path}");
            // Frames are not packed, whoever asks for that: a small one could be unpacked to gigabytes.
            assert!(response.headers().get("sec-websocket-extensions").is_none(), "{path}");
        }
    }
    server.stop().await;
}
