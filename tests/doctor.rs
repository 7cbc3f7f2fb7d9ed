//! The delivery doctor: what a domain's records are, what they should be, and keys that sign once they are published.

use serde_json::{Value, json};

use crate::support::{Dns, TestServer, process};

fn of<'v>(found: &'v Value, check: &str) -> Vec<&'v Value> {
    found["items"].as_array().unwrap().iter().filter(|one| one["check"] == check).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_record_is_told_as_it_is_and_as_it_should_be() {
    let server = TestServer::start_with(|config| config.relay = None).await;
    let dns = &server.dns;
    let owner = server.owner().await;
    let inbox = owner.get("/inboxes").await.expect(200)["items"][0]["id"].clone();
    let new = json!({ "kind": "email", "inbox": inbox, "address": "help@tarnina.example" });
    owner.post("/channels", new).await.expect(201);
    let list = owner.get("/domains").await.expect(200);
    let domain = list["items"].as_array().unwrap().iter().find(|one| one["name"] == "tarnina.example").unwrap().clone();
    let path = format!("/domains/{}/check", domain["id"]);
    let check = async || owner.post(&path, json!({})).await.expect(200);

    let found = check().await;
    let verdicts = |found: &Value| -> Vec<String> {
        let items = found["items"].as_array().unwrap().iter();
        items.map(|one| format!("{} {}", one["code"].as_str().unwrap(), one["verdict"].as_str().unwrap())).collect()
    };
    let nothing = [
        "host_missing missing",
        "mx_missing missing",
        "spf_missing missing",
        "dkim_missing missing",
        "dkim_missing missing",
        "dmarc_missing missing",
    ];
    assert_eq!(verdicts(&found), nothing);
    assert_eq!(of(&found, "mx")[0]["record"], "10 desk.example.");
    assert_eq!(of(&found, "spf")[0]["record"], "v=spf1 a:desk.example ~all");

    dns.address_of("desk.example", "192.0.2.7").ptr("192.0.2.7", "other.example");
    dns.mx("tarnina.example", 10, "mx.elsewhere.example").mx("tarnina.example", 20, "desk.example");
    dns.txt("tarnina.example", "v=spf1 mx:elsewhere.example -all").txt("tarnina.example", "something else");
    let keys = domain["keys"].as_array().unwrap();
    dns.txt(keys[0]["record_name"].as_str().unwrap(), "v=DKIM1; k=rsa; p=AAAA");
    dns.txt("_dmarc.tarnina.example", "v=DMARC1; p=none");
    let found = check().await;
    let half = [
        "host_ok passes",
        "ptr_other change",
        "mx_later change",
        "spf_lacks change",
        "dkim_other change",
        "dkim_missing missing",
        "dmarc_none passes",
    ];
    assert_eq!(verdicts(&found), half);
    assert_eq!(of(&found, "spf")[0]["record"], "v=spf1 mx:elsewhere.example a:desk.example -all");

    for name in ["tarnina.example", "7.2.0.192.in-addr.arpa", "_dmarc.tarnina.example"] {
        dns.forget(name);
    }
    dns.ptr("192.0.2.7", "desk.example").mx("tarnina.example", 10, "desk.example");
    dns.txt("tarnina.example", "v=spf1 a:desk.example -all").txt("_dmarc.tarnina.example", "v=DMARC1; p=reject");
    for key in keys {
        dns.forget(key["record_name"].as_str().unwrap());
        dns.txt(key["record_name"].as_str().unwrap(), key["record_value"].as_str().unwrap());
    }
    let all = check().await;
    assert!(verdicts(&all).iter().all(|one| one.ends_with(" passes")), "{all:#}");

    // New keys sign as soon as their records are seen, and not before.
    let rotated = owner.post(&format!("/domains/{}/rotate", domain["id"]), json!({})).await.expect(200);
    assert_eq!(check().await["activated"], false);
    for key in rotated["keys"].as_array().unwrap().iter().filter(|key| key["state"] == "next") {
        dns.txt(key["record_name"].as_str().unwrap(), key["record_value"].as_str().unwrap());
    }
    assert_eq!(check().await["activated"], true);
    let list = owner.get("/domains").await.expect(200);
    let now = list["items"].as_array().unwrap().iter().find(|one| one["id"] == domain["id"]).unwrap();
    let states: Vec<_> = now["keys"].as_array().unwrap().iter().map(|key| key["state"].clone()).collect();
    assert_eq!(states, ["retired", "retired", "active", "active"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn name_servers_that_do_not_answer_are_no_verdict() {
    // Nobody is there.
    let nobody = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    let server = TestServer::start_with(|config| config.dns.servers = vec![nobody]).await;
    let owner = server.owner().await;
    let id = owner.get("/domains").await.expect(200)["items"][0]["id"].clone();
    let found = owner.post(&format!("/domains/{id}/check"), json!({})).await.expect(200);
    let dkim = of(&found, "dkim");
    assert_eq!(dkim[0]["verdict"], "unknown");
    assert!(dkim[0]["record"].as_str().unwrap().starts_with("v=DKIM1"), "what to add is known all the same");
    server.stop().await;
}

#[test]
fn the_command_says_the_same_beside_a_running_server_and_without_one() {
    let dns = Dns::start();
    dns.address_of("desk.example", "192.0.2.7").ptr("192.0.2.7", "desk.example");
    dns.txt("desk.example", "v=spf1 a -all");
    let dir = tempfile::tempdir().unwrap();
    process::add_owner(dir.path());
    let ask = |arguments: &[&str]| {
        let mut command = process::frontdesk(dir.path());
        let command = command.args(arguments).env("FRONTDESK_DNS__SERVERS", dns.address.to_string());
        let output = process::output(command);
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let server = process::Process::serve(dir.path());
    let (well, said) = ask(&["doctor"]);
    assert!(!well, "records are missing: {said}");
    for line in [
        "This server’s address: The server’s name leads to 192.0.2.7.",
        "Reverse name: The address is desk.example, and back.",
        "Mail exchanger: Mail comes to desk.example, whose name this is.",
        "SPF: Allows 192.0.2.7",
        "DKIM: The rsa key is not published. Without it,",
        "add  _dmarc.desk.example TXT v=DMARC1; p=none",
        "answers",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let (_, json) = ask(&["doctor", "--json"]);
    let told: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&told["domains"][0]["domain"], &told["receiver_answers"]), (&json!("desk.example"), &json!(true)));
    for key in told["domains"][0]["items"].as_array().unwrap().iter().filter(|one| one["check"] == "dkim") {
        dns.txt(key["name"].as_str().unwrap(), key["record"].as_str().unwrap());
    }
    dns.txt("_dmarc.desk.example", "v=DMARC1; p=reject");
    let (well, said) = ask(&["doctor"]);
    assert!(well, "{said}");
    server.kill();
    let (well, said) = ask(&["doctor"]);
    assert!(!well && said.contains("is the server running?"), "{said}");
}
