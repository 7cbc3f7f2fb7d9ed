//! Programs that are not ours, as they come from Debian: what they send is taken, what we send they understand.

use std::process::Command;

use crate::support::TestServer;
use crate::support::process;

#[tokio::test(flavor = "multi_thread")]
async fn swaks_sends_over_tls_though_nobody_gave_a_certificate() {
    let server = TestServer::start().await;
    let mut swaks = Command::new("swaks");
    swaks.args(["--server", &server.smtp().ip().to_string(), "--port", &server.smtp().port().to_string(), "--tls"]);
    swaks.args(["--from", "a@far.example", "--to", "hello@desk.example", "--header", "Subject: Over TLS"]);
    let said = process::output(&mut swaks);
    let words = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success() && words.contains("TLS started with cipher"), "{words}");
    server.filed().await;
    let owner = server.owner().await;
    let row = owner.get("/conversations").await.expect(200)["items"][0].clone();
    assert_eq!(row["subject"], "Over TLS");
    let thread = owner.get(&format!("/conversations/{}/messages", row["id"])).await.expect(200);
    let trace = thread["items"][0]["trace"].to_string();
    assert!(trace.contains("with ESMTPS"), "{trace}");
    server.stop().await;
}
