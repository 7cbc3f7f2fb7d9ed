//! The web pages inside the binary: hashed files for ever, the page itself asked for each time.
//!
//! Never a file of the disk of the machine it runs on (a debug build reads the build's own folder).

use std::borrow::Cow;

use poem::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY,
};
use poem::http::{HeaderMap, Method, StatusCode};
use poem::{Body, Endpoint, Request, Response};
use rust_embed::{Embed, EmbeddedFile};

use super::headers::is_known;
use super::problem::Problem;
use crate::base::random::Hex;

#[derive(Embed)]
#[folder = "$OUT_DIR/web/dist"]
struct Dist;

/// Serves the embedded pages. Mount it behind every other route: it answers any path.
#[derive(Clone, Copy, Default)]
pub struct Assets;

impl Endpoint for Assets {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let detail = "Pages can only be read.";
            let mut response = Problem::of(StatusCode::METHOD_NOT_ALLOWED, detail).into_response();
            response.headers_mut().insert("allow", poem::http::HeaderValue::from_static("GET, HEAD"));
            return Ok(response);
        }
        let path = request.uri().path();
        let Some(name) = file_name(path, request.headers()) else { return Err(not_found()) };
        respond::<Dist>(name, request.method(), request.headers()).ok_or_else(not_found)
    }
}

fn not_found() -> poem::Error {
    Problem::of(StatusCode::NOT_FOUND, "There is nothing at this address.").into()
}

/// The file that answers `path`: itself, or the page, which finds its way by the address.
fn file_name<'a>(path: &'a str, headers: &HeaderMap) -> Option<&'a str> {
    const PAGE: &str = "index.html";
    let name = path.strip_prefix('/')?;
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let is_plain = name.split('/').all(plain) && !name.contains(['%', '\\', '\0', ':']);
    if is_plain && !name.ends_with(".br") && name != "STAMP" && Dist::get(name).is_some() {
        return Some(name);
    }
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let is_route = !["assets/", "api/", "hooks/", "."].iter().any(|prefix| name.starts_with(prefix));
    (name.is_empty() || is_route && accepts.contains("text/html")).then_some(PAGE)
}

fn respond<D: Embed>(name: &str, method: &Method, headers: &HeaderMap) -> Option<Response> {
    let brotli = || D::get(&format!("{name}.br")).map(|file| (file, true));
    let accepted = accepts_brotli(headers).then(brotli).flatten();
    let (file, compressed) = match accepted {
        Some(found) => found,
        None => (D::get(name)?, false),
    };
    let tag = etag(&file);
    let caching = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response =
        Response::builder().header(ETAG, &tag).header(CACHE_CONTROL, caching).header(VARY, "accept-encoding");
    if is_known(headers, &tag) {
        return Some(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    if compressed {
        response = response.header(CONTENT_ENCODING, "br");
    }
    response = response.header(CONTENT_TYPE, media_type(name)).header(CONTENT_LENGTH, file.data.len());
    let body = match file.data {
        _ if *method == Method::HEAD => Body::empty(),
        Cow::Borrowed(bytes) => Body::from_bytes(bytes::Bytes::from_static(bytes)),
        Cow::Owned(bytes) => Body::from_vec(bytes),
    };
    Some(response.body(body))
}

/// Strong: the compressed form is another file with a hash of its own.
fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    format!("\"{}\"", Hex(hash.get(..16).unwrap_or_default()))
}

fn media_type(name: &str) -> String {
    let guess = mime_guess::from_path(name).first_or_octet_stream();
    let text = guess.type_() == "text" || guess.subtype() == "javascript" || guess.subtype() == "json";
    if text { format!("{}; charset=utf-8", guess.essence_str()) } else { guess.essence_str().to_owned() }
}

fn accepts_brotli(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
        name.trim().eq_ignore_ascii_case("br") && weight > 0.0
    })
}

#[cfg(test)]
#[path = "assets_tests.rs"]
mod tests;
