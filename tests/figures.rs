//! `/metrics`: for who asks from the machine itself, under any setting, and for who holds a manager's token.

use frontdesk::config::PublicUrl;
use frontdesk::domain::Role;
use reqwest::Method;

use crate::support::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_for_the_machine_itself_and_for_managers() {
    for url in [None, PublicUrl::parse("https://desk.example")] {
        let server = TestServer::start_empty(|config| config.http.public_url = url.clone()).await;
        let mut tokens = Vec::new();
        for (name, role) in [("agent", Role::Agent), ("owner", Role::Owner)] {
            let id = server.add_agent(name, &format!("{name}@desk.example"), role).await;
            tokens.push(server.token(id, true).await);
        }
        let local = server.http().to_string();
        let table = [
            (local.as_str(), None, 200),
            ("localhost", None, 200),
            // Through a proxy on the same machine, or with a name that somebody pointed at it.
            ("desk.example", None, 401),
            ("evil.example", None, 401),
            ("desk.example", Some(&tokens[0]), 401),
            ("desk.example", Some(&tokens[1]), 200),
        ];
        for (host, token, status) in table {
            let mut client = server.anonymous();
            if let Some(token) = token {
                client = client.with_token(token);
            }
            let answer = client.finish(client.request(Method::GET, "//metrics").header("host", host)).await;
            assert_eq!(answer.status, status, "{host} {token:?} {url:?}");
            assert_eq!(answer.bytes.starts_with(b"# HELP frontdesk_"), status == 200);
        }
        // Everything else goes by the public name alone.
        let status = if url.is_some() { 421 } else { 401 };
        assert_eq!(server.anonymous().get("/me").await.status, status);
        server.stop().await;
    }
}
