//! What is set aside: kinds of mail, senders that are kept out, and the way back.

use serde_json::{Value, json};

use crate::support::{Client, TestServer, mail, mail_with, smtp};

async fn place_of(server: &TestServer, owner: &Client, from: &str, headers: &str) -> (String, Value) {
    let subject = format!("{from} {}", headers.len());
    server.receive(from, "hello@desk.example", &mail_with(from, &subject, headers, "Words")).await;
    for view in ["all", "filtered", "spam"] {
        let list = owner.get(&format!("/conversations?view={view}&limit=200")).await.expect(200);
        let rows = list["items"].as_array().unwrap();
        if let Some(row) = rows.iter().find(|row| row["subject"] == subject) {
            return (row["place"].as_str().unwrap().to_owned(), row["place_reason"].clone());
        }
    }
    panic!("{subject} is nowhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_are_set_aside_with_their_reason_as_the_switches_say() {
    let mut server = TestServer::start().await;
    let owner = server.owner().await;
    let asked = [
        ("a@far.example", "Auto-Submitted: auto-replied\r\n", "automatic"),
        ("b@far.example", "Precedence: bulk\r\n", "bulk"),
        ("c@far.example", "List-Id: <news.far.example>\r\n", "bulk"),
    ];
    for (from, headers, reason) in asked {
        assert_eq!(place_of(&server, &owner, from, headers).await, ("filtered".into(), json!(reason)), "{headers}");
    }
    let unsubscribe = "List-Unsubscribe: <https://far.example/u>\r\n";
    assert_eq!(place_of(&server, &owner, "d@far.example", unsubscribe).await.0, "inbox");
    assert_eq!(place_of(&server, &owner, "no-reply@far.example", "").await.0, "inbox");
    let kinds = json!({ "automatic": false, "bulk": false, "role": true, "unsubscribe": true });
    owner.put("/filters", json!({ "allow": [], "deny": [], "kinds": kinds })).await.expect(200);
    server.restart().await;
    let owner = server.owner().await;
    assert_eq!(place_of(&server, &owner, "e@far.example", asked[0].1).await.0, "inbox");
    assert_eq!(place_of(&server, &owner, "noreply@far.example", "").await, ("filtered".into(), json!("role")));
    let found = place_of(&server, &owner, "f@far.example", unsubscribe).await;
    assert_eq!(found, ("filtered".into(), json!("unsubscribe")));
    // An inbox has its own say.
    let inbox = owner.get("/inboxes").await.expect(200)["items"][0]["id"].clone();
    let off = json!({ "automatic": false, "bulk": false, "role": false, "unsubscribe": false });
    owner.put(&format!("/filters?inbox={inbox}"), json!({ "allow": [], "deny": [], "kinds": off })).await.expect(200);
    assert_eq!(place_of(&server, &owner, "g@far.example", unsubscribe).await.0, "inbox");
    owner.get("/filters?inbox=999").await.refused(404, "not_found");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_kept_out_is_told_so_at_the_door_and_can_be_let_in_again() {
    let server = TestServer::start().await;
    let owner = server.owner().await;
    server.receive("o@far.example", "hello@desk.example", &mail("o@far.example", "Buy", "now")).await;
    let id = owner.get("/conversations").await.expect(200)["items"][0]["id"].clone();
    let blocked = owner.post(&format!("/conversations/{id}/block"), json!({})).await.expect(200);
    assert_eq!(blocked["conversation"]["place"], "spam");
    assert_eq!(owner.get("/filters").await.expect(200)["deny"], json!(["o@far.example"]));
    let refused = smtp::send(server.smtp(), "O@Far.example", &["hello@desk.example"], b"Subject: x\r\n\r\nx\r\n").await;
    assert!(refused.clone().is_err_and(|said| said.starts_with("550 5.7.1")), "{refused:?}");
    // Under another envelope, the From field still counts; postmaster is there for everybody.
    server.receive("list@else.example", "hello@desk.example", &mail("o@far.example", "Again", "now")).await;
    let spam = owner.get("/conversations?view=spam").await.expect(200);
    assert_eq!((&spam["items"][0]["subject"], &spam["items"][0]["place_reason"]), (&json!("Again"), &json!("denied")));
    server.receive("o@far.example", "postmaster@desk.example", &mail("o@far.example", "Why?", "?")).await;
    // A domain is kept out with all below it, but for who is let in by name.
    let lists = json!({ "allow": ["Anna@Sub.Far.example"], "deny": ["@FAR.example", " ", "far.example"] });
    let set = owner.put("/filters", lists).await.expect(200);
    assert_eq!((&set["deny"], &set["allow"]), (&json!(["far.example"]), &json!(["anna@sub.far.example"])));
    let refused =
        smtp::send(server.smtp(), "x@sub.far.example", &["hello@desk.example"], b"Subject: x\r\n\r\nx\r\n").await;
    assert!(refused.is_err());
    assert_eq!(place_of(&server, &owner, "anna@sub.far.example", "Precedence: bulk\r\n").await.0, "inbox");
    for bad in ["a b", "a@b@c", "@", "x@", "-.example"] {
        let answer = owner.put("/filters", json!({ "allow": [], "deny": [bad] })).await.refused(400, "invalid");
        assert_eq!(answer["field"], "deny", "{bad}");
    }
    owner.put("/filters", json!({ "allow": [], "deny": [] })).await.expect(200);
    assert_eq!(place_of(&server, &owner, "o@far.example", "X-A: 1\r\n").await.0, "inbox");
    server.stop().await;
}
