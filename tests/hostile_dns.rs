//! Name servers that do what they should not: mail is taken all the same, and shown with what could not be found out.

use std::time::{Duration, Instant};

use crate::support::dns::Misbehaves;
use crate::support::{Dns, TestServer, mail};

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_taken_and_shown_whatever_name_servers_do() {
    let dns = Dns::start();
    let address = dns.address;
    for (domain, how) in [
        ("silent.example", Misbehaves::Silent),
        ("fails.example", Misbehaves::Fails),
        ("endless.example", Misbehaves::Endless),
        ("huge.example", Misbehaves::Huge),
        ("bomb.example", Misbehaves::Bomb),
    ] {
        dns.misbehave(domain, how);
    }
    dns.cname("loop.example", "pool.example").cname("pool.example", "loop.example");
    dns.txt("include.example", "v=spf1 include:include.example -all");
    let many: Vec<String> = (0..20).map(|n| format!("include:s{n}.many.example")).collect();
    dns.txt("many.example", &format!("v=spf1 {} -all", many.join(" ")));
    for n in 0..20 {
        dns.txt(&format!("s{n}.many.example"), "v=spf1 a:silent.example ?all");
    }
    let server = TestServer::start_with(|config| config.dns.servers = vec![address]).await;
    let owner = server.owner().await;
    let domains = [
        "silent.example",
        "fails.example",
        "endless.example",
        "huge.example",
        "bomb.example",
        "loop.example",
        "include.example",
        "many.example",
    ];
    let start = Instant::now();
    for domain in domains {
        let email = format!("a@{domain}");
        let signature = format!("DKIM-Signature: v=1; a=rsa-sha256; d={domain}; s=s; h=from; bh=AAAA; b=AAAA\r\n");
        let raw = format!("{signature}{}", mail(&email, domain, "Words"));
        let taken = Instant::now();
        server.receive(&email, "hello@desk.example", &raw).await;
        assert!(taken.elapsed() < Duration::from_secs(5), "{domain}: {:?}", taken.elapsed());
    }
    let verdicts = async || {
        let list = owner.get("/conversations?limit=100").await.expect(200);
        let mut verdicts = Vec::new();
        for item in list["items"].as_array().unwrap() {
            let thread = owner.get(&format!("/conversations/{}/messages", item["id"])).await.expect(200);
            let subject = item["subject"].as_str().unwrap().to_owned();
            verdicts.push((subject, thread["items"][0]["authentication"]["verdict"].as_str().unwrap().to_owned()));
        }
        verdicts
    };
    server.until_it("all verdicts are there", async || verdicts().await.iter().all(|(_, one)| one != "checking")).await;
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let verdicts = verdicts().await;
    assert_eq!(verdicts.len(), domains.len());
    for (domain, verdict) in verdicts {
        let expected: &[&str] = match domain.as_str() {
            "silent.example" | "fails.example" => &["temperror"],
            _ => &["temperror", "none"],
        };
        assert!(expected.contains(&verdict.as_str()), "{domain}: {verdict}");
    }
    server.stop().await;
}
