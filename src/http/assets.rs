//! The web pages inside the binary: hashed files for ever, the page itself asked for each time.
//!
//! Never a file of the disk of the machine it runs on (a debug build reads the build's own folder).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use poem::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use poem::http::{HeaderMap, Method, StatusCode};
use poem::web::{Compress, CompressionAlgo, CompressionLevel};
use poem::{Body, Endpoint, IntoResponse, Request, Response};
use rust_embed::{Embed, EmbeddedFile};

use super::answers::PACKED_FROM;
use super::headers::{accepts, is_known};
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
        respond::<Dist>(name, request.method(), request.headers()).await.ok_or_else(not_found)
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

async fn respond<D: Embed>(name: &str, method: &Method, headers: &HeaderMap) -> Option<Response> {
    let brotli = || D::get(&format!("{name}.br")).map(|file| (file, Some("br")));
    let accepted = accepts(headers, "br").then(brotli).flatten();
    let (file, coding) = match accepted {
        Some(found) => found,
        None => {
            let file = D::get(name)?;
            let gzip = packs(name) && file.data.len() >= PACKED_FROM && accepts(headers, "gzip");
            (file, gzip.then_some("gzip"))
        }
    };
    let tag = etag(&file, coding);
    let caching = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response =
        Response::builder().header(ETAG, &tag).header(CACHE_CONTROL, caching).header(VARY, "accept-encoding");
    if is_known(headers, &tag) {
        return Some(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    if let Some(coding) = coding {
        response = response.header(CONTENT_ENCODING, coding);
    }
    let bytes = match file.data {
        bytes if coding == Some("gzip") => gzipped(&tag, bytes).await?,
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    response = response.header(CONTENT_TYPE, media_type(name)).header(CONTENT_LENGTH, bytes.len());
    let body = if *method == Method::HEAD { Body::empty() } else { Body::from_bytes(bytes) };
    Some(response.body(body))
}

/// Strong: the brotli form is another file with a hash of its own, the one made here says so.
fn etag(file: &EmbeddedFile, coding: Option<&str>) -> String {
    let hash = file.metadata.sha256_hash();
    let form = if coding == Some("gzip") { "-gzip" } else { "" };
    format!("\"{}{form}\"", Hex(hash.get(..16).unwrap_or_default()))
}

fn media_type(name: &str) -> String {
    let guess = mime_guess::from_path(name).first_or_octet_stream();
    let text = guess.type_() == "text" || guess.subtype() == "javascript" || guess.subtype() == "json";
    if text { format!("{}; charset=utf-8", guess.essence_str()) } else { guess.essence_str().to_owned() }
}

/// The packed form of a file, made when it is first asked for: browsers take brotli by https alone.
async fn gzipped(tag: &str, bytes: Cow<'static, [u8]>) -> Option<Bytes> {
    static MADE: Mutex<BTreeMap<String, Bytes>> = Mutex::new(BTreeMap::new());
    let known = MADE.lock().unwrap_or_else(PoisonError::into_inner).get(tag).cloned();
    if known.is_some() {
        return known;
    }
    let made = Compress::new(bytes.into_owned(), CompressionAlgo::GZIP).with_quality(CompressionLevel::Best);
    // Bytes at hand are always read.
    let made = made.into_response().into_body().into_bytes().await.ok()?;
    MADE.lock().unwrap_or_else(PoisonError::into_inner).insert(tag.to_owned(), made.clone());
    Some(made)
}

/// Whether packing makes it smaller.
fn packs(name: &str) -> bool {
    [".js", ".css", ".html", ".svg", ".json", ".webmanifest"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
#[path = "assets_tests.rs"]
mod tests;
