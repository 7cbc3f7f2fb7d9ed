//! The pages themselves: what a browser that comes back is told.

use reqwest::Method;

use crate::support::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_kept_keeps_its_policy() {
    let server = TestServer::start().await;
    let nobody = server.anonymous();
    let first = nobody.finish(nobody.request(Method::GET, "//sign-in").header("accept", "text/html")).await;
    assert_eq!(first.status, 200);
    assert!(first.headers["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
    let again = nobody.request(Method::GET, "//sign-in").header("accept", "text/html");
    let again = nobody.finish(again.header("if-none-match", first.headers["etag"].clone())).await;
    assert_eq!(again.status, 304);
    // A policy here would replace the one of the page the browser has kept.
    assert!(!again.headers.contains_key("content-security-policy"));
    server.stop().await;
}
