//! What is put around all routes, in the one order that is right.

use std::sync::Arc;

use poem::{Endpoint, EndpointExt, Response};

use super::headers::Headers;
use super::origin::Origins;
use super::problem::Problems;
use crate::config::PublicUrl;

/// From the outside in: headers and host, problems (and panics), origins, then `routes`.
/// Paths that begin with one of `open` are for every site and must not look at cookies.
pub fn around<E>(
    routes: E,
    public_url: Option<PublicUrl>,
    open: &[&'static str],
) -> impl Endpoint<Output = Response> + use<E>
where
    E: Endpoint + 'static,
{
    let public_url = public_url.map(Arc::new);
    routes.with(Origins::new(public_url.clone()).open(open)).with(Problems).with(Headers::new(public_url))
}

#[cfg(test)]
mod tests {
    use poem::http::{Method, StatusCode};
    use poem::web::Html;
    use poem::{Request, Route, get, handler};

    use super::*;

    type Sent<'a> = &'a [(&'static str, &'a str)];

    #[handler]
    fn page() -> Html<&'static str> {
        Html("<!doctype html>")
    }

    #[handler]
    fn broken() -> poem::Result<String> {
        Err(poem::error::InternalServerError(std::io::Error::other("the secret is hunter2")))
    }

    #[handler]
    fn panicking() -> String {
        panic!("the secret is hunter2")
    }

    #[handler]
    fn text_error() -> Response {
        Response::builder().status(StatusCode::TOO_MANY_REQUESTS).header("retry-after", "7").body("slow down")
    }

    fn shell(public_url: Option<&str>) -> impl Endpoint<Output = Response> {
        let routes = Route::new()
            .at("/", get(page))
            .at("/broken", get(broken))
            .at("/panicking", get(panicking))
            .at("/text", get(text_error));
        around(routes, public_url.and_then(PublicUrl::parse), &[])
    }

    async fn fetch(
        shell: &impl Endpoint<Output = Response>,
        method: Method,
        path: &str,
        headers: Sent<'_>,
    ) -> Response {
        let mut request = Request::builder().method(method).uri_str(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        shell.call(request.finish()).await.unwrap()
    }

    #[tokio::test]
    async fn every_kind_of_response_is_hardened_and_every_error_is_a_problem() {
        let shell = shell(Some("https://desk.example"));
        let host = ("host", "desk.example");
        let evil = ("origin", "https://evil.example");
        let table: [(Method, &str, Sent<'_>, u16, &str); 8] = [
            (Method::GET, "/", &[host], 200, ""),
            (Method::GET, "/nowhere", &[host], 404, "not_found"),
            (Method::DELETE, "/", &[host], 405, "method_not_allowed"),
            (Method::GET, "/broken", &[host], 500, "internal"),
            (Method::GET, "/panicking", &[host], 500, "internal"),
            (Method::GET, "/text", &[host], 429, "rate_limited"),
            (Method::POST, "/", &[host, evil], 403, "bad_origin"),
            (Method::GET, "/", &[("host", "evil.example")], 421, "unknown_host"),
        ];
        for (method, path, headers, status, code) in table {
            let response = fetch(&shell, method, path, headers).await;
            assert_eq!(response.status().as_u16(), status, "{path}");
            for name in
                ["content-security-policy", "referrer-policy", "permissions-policy", "cross-origin-opener-policy"]
            {
                assert!(response.headers().contains_key(name), "{path} {name}");
            }
            let header = |name: &str| response.header(name).unwrap_or_default().to_owned();
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert_eq!(header("x-frame-options"), "DENY");
            assert_eq!(header("strict-transport-security"), "max-age=31536000");
            assert_eq!(header("cache-control"), "no-store");
            let policy = header("content-security-policy");
            assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
            let (kind, retry) = (header("content-type"), header("retry-after"));
            let body = response.into_body().into_string().await.unwrap();
            if status >= 400 {
                let body: serde_json::Value = serde_json::from_str(&body).unwrap();
                assert_eq!(
                    (kind.as_str(), &body["code"], &body["status"]),
                    ("application/problem+json", &code.into(), &status.into())
                );
                assert!(!body.to_string().contains("hunter2"), "{body}");
                assert!(body["type"].is_string() && body["title"].is_string() && body["detail"].is_string());
            } else {
                assert!(policy.contains("script-src 'self'"));
            }
            assert_eq!(retry, if path == "/text" { "7" } else { "" });
        }
    }

    #[tokio::test]
    async fn any_host_is_answered_until_one_is_configured() {
        let shell = shell(None);
        let response = fetch(&shell, Method::GET, "/", &[("host", "whatever.example")]).await;
        assert_eq!(response.status(), 200);
        assert!(!response.headers().contains_key("strict-transport-security"));
    }

    #[tokio::test]
    async fn the_configured_host_is_known_with_its_usual_port_and_in_any_case() {
        let shell = shell(Some("https://desk.example"));
        for (host, status) in [("DESK.example", 200), ("desk.example:443", 200), ("desk.example:80", 421), ("", 421)] {
            assert_eq!(fetch(&shell, Method::GET, "/", &[("host", host)]).await.status().as_u16(), status, "{host}");
        }
        assert_eq!(fetch(&shell, Method::GET, "/healthz", &[("host", "10.0.0.1")]).await.status(), 404);
    }
}
