//! Refuses what another site makes a browser send in an agent's name.
//!
//! Cookies go with every request to us, whoever's page asked for it; `Origin` tells whose it was.

use std::sync::Arc;

use poem::http::header::{AUTHORIZATION, COOKIE, HOST, HeaderName, ORIGIN, UPGRADE};
use poem::http::{Method, StatusCode};
use poem::{Endpoint, IntoResponse, Middleware, Request, Response};

use super::problem::Problem;
use crate::config::PublicUrl;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Middleware: a request that may change something, or opens a WebSocket, must come from our own pages
/// if it carries a cookie or says where it comes from; one with a bearer token alone may come from anywhere.
#[derive(Clone, Default)]
pub struct Origins {
    public_url: Option<Arc<PublicUrl>>,
    open: Arc<[&'static str]>,
}

impl Origins {
    /// Ours is the public URL's origin; without one, whatever host the request names.
    pub fn new(public_url: Option<Arc<PublicUrl>>) -> Origins {
        Origins { public_url, open: Arc::default() }
    }

    /// Lets every site use paths that begin with one of `prefixes`. Nothing there may look at cookies.
    #[must_use]
    pub fn open(mut self, prefixes: &[&'static str]) -> Origins {
        self.open = prefixes.into();
        self
    }

    fn allows(&self, request: &Request) -> bool {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if reads && !request.headers().contains_key(UPGRADE) {
            return true;
        }
        if self.open.iter().any(|prefix| request.uri().path().starts_with(prefix)) {
            return true;
        }
        let headers = request.headers();
        let (cookie, token) = (headers.contains_key(COOKIE), headers.contains_key(AUTHORIZATION));
        if token && !cookie {
            return true;
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) => origin.to_str().is_ok_and(|origin| self.is_ours(origin, request)),
            (Some(_), Some(_)) => false,
            // No browser leaves both out; without a cookie there is nothing to misuse.
            (None, _) => !cookie || headers.get(FETCH_SITE).is_some_and(|site| site == "same-origin"),
        }
    }

    fn is_ours(&self, origin: &str, request: &Request) -> bool {
        if let Some(url) = &self.public_url {
            return origin.eq_ignore_ascii_case(&url.origin());
        }
        let Some(ours) = request.headers().get(HOST).and_then(|host| host.to_str().ok()) else { return false };
        let theirs = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        theirs.is_some_and(|theirs| theirs.eq_ignore_ascii_case(ours))
    }
}

/// An endpoint under [`Origins`].
pub struct OriginsEndpoint<E> {
    inner: E,
    origins: Origins,
}

impl<E: Endpoint> Middleware<E> for Origins {
    type Output = OriginsEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        OriginsEndpoint { inner, origins: self.clone() }
    }
}

impl<E: Endpoint> Endpoint for OriginsEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if !self.origins.allows(&request) {
            let detail = "The request does not come from this server's own pages.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "bad_origin", detail).into());
        }
        self.inner.call(request).await.map(IntoResponse::into_response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "https://desk.example";

    fn allowed(origins: &Origins, method: Method, headers: &[(&'static str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri_str("/api/v1/me");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        origins.allows(&request.finish())
    }

    #[test]
    fn the_matrix() {
        let known = Origins::new(PublicUrl::parse(OURS).map(Arc::new));
        let cookie = ("cookie", "session=1");
        let bearer = ("authorization", "Bearer x");
        let from = |origin| ("origin", origin);
        let table: [(bool, &[(&str, &str)]); 17] = [
            (true, &[cookie, from(OURS)]),
            (false, &[cookie]),
            (false, &[cookie, from("https://evil.example")]),
            (false, &[cookie, from("http://desk.example")]),
            (false, &[cookie, from("https://desk.example:8443")]),
            (false, &[cookie, from("https://desk.example.evil.example")]),
            (false, &[cookie, from("null")]),
            (false, &[cookie, from("")]),
            (false, &[cookie, from(OURS), from("https://evil.example")]),
            (true, &[cookie, ("sec-fetch-site", "same-origin")]),
            (false, &[cookie, ("sec-fetch-site", "same-site")]),
            (false, &[cookie, ("sec-fetch-site", "same-origin"), from("https://evil.example")]),
            (true, &[bearer]),
            (true, &[bearer, from("https://other.example")]),
            (false, &[bearer, cookie, from("https://other.example")]),
            (true, &[]),
            (false, &[from("https://evil.example")]),
        ];
        for (expected, headers) in table {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert_eq!(allowed(&known, method, headers), expected, "{headers:?}");
            }
            assert!(allowed(&known, Method::GET, headers), "{headers:?}");
            let upgrade: Vec<_> = headers.iter().copied().chain([("upgrade", "websocket")]).collect();
            assert_eq!(allowed(&known, Method::GET, &upgrade), expected, "{headers:?}");
        }
    }

    #[test]
    fn without_a_public_url_the_host_decides() {
        let origins = Origins::new(None);
        let host = ("host", "127.0.0.1:8080");
        let cookie = ("cookie", "session=1");
        assert!(allowed(&origins, Method::POST, &[host, cookie, ("origin", "http://127.0.0.1:8080")]));
        assert!(!allowed(&origins, Method::POST, &[host, cookie, ("origin", "http://127.0.0.1:8081")]));
        assert!(!allowed(&origins, Method::POST, &[cookie, ("origin", "http://127.0.0.1:8080")]));
    }

    #[test]
    fn open_paths_are_open() {
        let origins = Origins::new(None).open(&["/api/v1/m"]);
        assert!(allowed(&origins, Method::POST, &[("origin", "https://shop.example")]));
    }
}
