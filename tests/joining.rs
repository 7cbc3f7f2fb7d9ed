//! Which mails join a conversation, reopen it, or stand beside it: every case of who writes, what they know, whether
//! they are who they say they are, and how the conversation stands.

use frontdesk::domain::{Conversation, ConversationId, Role};
use frontdesk::mail::thread;
use frontdesk::store::Rows;
use serde_json::{Value, json};

use crate::support::dns::Misbehaves;
use crate::support::{Client, Dns, TestServer, mail, mail_with};

/// A domain of each verdict.
const DOMAINS: [(&str, &str); 3] = [("pass", "pass.example"), ("fail", "fail.example"), ("none", "none.example")];

/// What a mail shows that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clue {
    /// The conversation's own token.
    Token,
    /// The Message-ID of a mail in it.
    Id,
    /// A token that nobody has.
    Wrong,
}

async fn server() -> TestServer {
    let dns = Dns::start();
    dns.txt("pass.example", "v=spf1 ip4:127.0.0.1 -all").txt("_dmarc.pass.example", "v=DMARC1; p=reject");
    dns.txt("fail.example", "v=spf1 -all").txt("_dmarc.fail.example", "v=DMARC1; p=none");
    dns.misbehave("silent.example", Misbehaves::Silent);
    let address = dns.address;
    let server = TestServer::start_with(|config| config.dns.servers = vec![address]).await;
    for (_, domain) in DOMAINS {
        server.add_agent("Kim", &format!("kim@{domain}"), Role::Agent).await;
    }
    server
}

async fn all(owner: &Client) -> Vec<Value> {
    let list = owner.get("/conversations?limit=200").await.expect(200);
    list["items"].as_array().unwrap().clone()
}

async fn named(owner: &Client, subject: &str) -> Value {
    all(owner).await.into_iter().find(|item| item["subject"] == subject).unwrap_or_else(|| panic!("no {subject:?}"))
}

/// Begins a conversation with somebody; gives its id and token.
async fn begun(server: &TestServer, owner: &Client, email: &str, subject: &str) -> (u64, String) {
    let id = format!("Message-ID: <{subject}@begun.example>\r\n");
    server.receive(email, "hello@desk.example", &mail_with(email, subject, &id, "First")).await;
    let id = named(owner, subject).await["id"].as_u64().unwrap();
    let rows = server.running().desk.store.read().unwrap();
    let conversation: Conversation = rows.get(ConversationId(id)).unwrap();
    (id, conversation.token)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_takes_part_and_is_not_forged_joins() {
    let server = server().await;
    let owner = server.owner().await;
    for (at, (verdict, domain)) in DOMAINS.into_iter().enumerate() {
        for who in ["anna", "kim", "stranger"] {
            for state in ["open", "closed"] {
                for clue in [Clue::Token, Clue::Id, Clue::Wrong] {
                    let case = format!("{verdict}-{who}-{state}-{clue:?}");
                    // The agent takes part: even so, their address is not them.
                    let contact = if who == "kim" { format!("kim@{domain}") } else { format!("anna@{domain}") };
                    let (id, token) = begun(&server, &owner, &contact, &case).await;
                    let path = format!("/conversations/{id}");
                    owner.patch(&path, json!({ "state": state })).await.expect(200);
                    let (to, ids) = match clue {
                        Clue::Token => (thread::reply_address(&token, "desk.example"), String::new()),
                        Clue::Id => (String::from("hello@desk.example"), format!("{case}@begun.example")),
                        Clue::Wrong => {
                            let wrong: String = token.chars().rev().collect();
                            (String::from("hello@desk.example"), thread::message_id(&wrong, "desk.example"))
                        }
                    };
                    let (from, subject) = (format!("{who}@{domain}"), format!("Answer {at} {case}"));
                    let ids = if ids.is_empty() { ids } else { format!("References: <{ids}>\r\n") };
                    server.receive(&from, &to, &mail_with(&from, &subject, &ids, "Second")).await;

                    let joins = who == "anna" && verdict != "fail" && clue != Clue::Wrong;
                    let old = named(&owner, &case).await;
                    let beside = all(&owner).await.into_iter().find(|item| item["subject"] == subject.as_str());
                    assert_eq!(old["message_count"], if joins { 2 } else { 1 }, "{case}");
                    assert_eq!(old["state"], if joins { "open" } else { state }, "{case}");
                    assert_eq!(beside.is_none(), joins, "{case}");
                    let Some(beside) = beside else { continue };
                    let linked = if clue == Clue::Wrong { json!([]) } else { json!([id]) };
                    assert_eq!(beside["related"], linked, "{case}");
                    let thread = owner.get(&format!("/conversations/{}/messages", beside["id"])).await.expect(200);
                    let first = &thread["items"][0];
                    assert_eq!(first["authentication"]["verdict"], verdict, "{case}");
                    assert_eq!((&first["kind"], &first["author"]), (&json!("inbound"), &Value::Null), "{case}");
                    let flagged = first["defects"].as_array().unwrap().contains(&json!("from_agent"));
                    assert_eq!(flagged, who == "kim", "{case}: {}", first["defects"]);
                }
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_would_join_waits_a_while_for_its_verdict() {
    let server = server().await;
    let owner = server.owner().await;
    let (id, token) = begun(&server, &owner, "anna@silent.example", "Silent").await;
    let start = std::time::Instant::now();
    let to = thread::reply_address(&token, "desk.example");
    server.receive("anna@silent.example", &to, &mail("anna@silent.example", "Answer", "Second")).await;
    assert!((2900..8000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    // Nothing speaks against it: it joins, and says that it is not known yet.
    let thread = owner.get(&format!("/conversations/{id}/messages")).await.expect(200);
    assert_eq!(thread["items"][1]["authentication"]["verdict"], "checking", "{thread:#}");
    server.stop().await;
}
