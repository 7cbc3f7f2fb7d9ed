//! Assets over files made up here, and the page that every build embeds.

use std::borrow::Cow;

use poem::http::HeaderValue;

use super::*;

/// A hashed script with its compressed form.
struct Sample;

impl Embed for Sample {
    fn get(path: &str) -> Option<EmbeddedFile> {
        let (data, first): (&'static [u8], u8) = match path {
            "assets/app-1.js" => (b"let a = 1", 1),
            "assets/app-1.js.br" => (b"compressed", 2),
            "index.html" => (b"<!doctype html>", 3),
            "assets/app-2.css" => (&[b'a'; 5000], 4),
            _ => return None,
        };
        let metadata = rust_embed::Metadata::__rust_embed_new([first; 32], None, None);
        Some(EmbeddedFile { data: Cow::Borrowed(data), metadata })
    }

    fn iter() -> impl Iterator<Item = Cow<'static, str>> + 'static {
        std::iter::empty()
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (poem::http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect()
}

async fn get(name: &str, pairs: &[(&'static str, &str)]) -> Response {
    respond::<Sample>(name, &Method::GET, &headers(pairs)).await.unwrap()
}

#[tokio::test]
async fn hashed_files_are_for_ever_and_the_page_is_asked_for() {
    let script = get("assets/app-1.js", &[]).await;
    assert_eq!(script.header(CACHE_CONTROL), Some("public, max-age=31536000, immutable"));
    assert_eq!(script.content_type(), Some("text/javascript; charset=utf-8"));
    let page = get("index.html", &[]).await;
    assert_eq!(page.header(CACHE_CONTROL), Some("no-cache"));
    assert_eq!(page.content_type(), Some("text/html; charset=utf-8"));
    assert_eq!(page.into_body().into_string().await.unwrap(), "<!doctype html>");
}

#[tokio::test]
async fn brotli_goes_to_those_who_take_it_under_a_tag_of_its_own() {
    let plain = get("assets/app-1.js", &[("accept-encoding", "gzip, br;q=0")]).await;
    assert_eq!(plain.header(CONTENT_ENCODING), None);
    let packed = get("assets/app-1.js", &[("accept-encoding", "gzip, deflate, br")]).await;
    assert_eq!(packed.header(CONTENT_ENCODING), Some("br"));
    assert_eq!(packed.header(VARY), Some("accept-encoding"));
    assert_eq!(packed.content_type(), plain.content_type());
    assert_ne!(packed.header(ETAG), plain.header(ETAG));
    assert_eq!(packed.into_body().into_string().await.unwrap(), "compressed");
}

#[tokio::test]
async fn who_takes_gzip_alone_gets_what_is_worth_packing_so() {
    let gzip = ("accept-encoding", "gzip, deflate");
    for _ in 0..2 {
        let packed = get("assets/app-2.css", &[gzip]).await;
        assert_eq!((packed.header(CONTENT_ENCODING), packed.header(VARY)), (Some("gzip"), Some("accept-encoding")));
        let tag = packed.header(ETAG).unwrap().to_owned();
        assert_ne!(get("assets/app-2.css", &[]).await.header(ETAG), Some(tag.as_str()));
        let length: usize = packed.header(CONTENT_LENGTH).unwrap().parse().unwrap();
        let bytes = packed.into_body().into_bytes().await.unwrap();
        assert_eq!((bytes.len(), bytes.starts_with(&[0x1f, 0x8b])), (length, true));
        assert!(length < 100, "{length}");
        assert_eq!(get("assets/app-2.css", &[gzip, ("if-none-match", &tag)]).await.status(), 304);
    }
    assert_eq!(get("index.html", &[gzip]).await.header(CONTENT_ENCODING), None, "too short to be worth it");
}

#[tokio::test]
async fn a_known_tag_is_answered_without_a_body() {
    let tag = get("index.html", &[]).await.header(ETAG).unwrap().to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), String::from("*")] {
        let response = get("index.html", &[("if-none-match", &known)]).await;
        assert_eq!((response.status(), response.header(ETAG)), (StatusCode::NOT_MODIFIED, Some(tag.as_str())));
        assert!(response.into_body().is_empty());
    }
    assert_eq!(get("index.html", &[("if-none-match", "\"x\"")]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_head_tells_the_length_and_sends_nothing() {
    let response = respond::<Sample>("index.html", &Method::HEAD, &HeaderMap::new()).await.unwrap();
    assert_eq!(response.header(CONTENT_LENGTH), Some("15"));
    assert!(response.into_body().is_empty());
}

#[tokio::test]
async fn addresses_of_the_page_get_the_page_and_strange_ones_nothing() {
    let browser = ("accept", "text/html,application/xhtml+xml");
    let script = ("accept", "*/*");
    let table = [
        ("/", script, 200),
        ("/index.html", script, 200),
        ("/inbox/mine/7", browser, 200),
        ("/inbox/mine/7", script, 404),
        ("/assets/missing.js", browser, 404),
        ("/api/v1/nowhere", browser, 404),
        ("/STAMP", script, 404),
        ("/index.html.br", script, 404),
        ("/.git/config", browser, 404),
        ("/../Cargo.toml", script, 404),
        ("/assets/../../../Cargo.toml", script, 404),
        ("/%2e%2e/Cargo.toml", script, 404),
        ("//etc/passwd", script, 404),
        ("/..\\Cargo.toml", script, 404),
    ];
    for (path, (name, value), status) in table {
        let Ok(uri) = path.parse::<poem::http::Uri>() else { continue };
        let request = Request::builder().uri(uri).header(name, value).finish();
        let response = Assets.get_response(request).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
    }
    let request = Request::builder().method(Method::POST).uri_str("/").finish();
    assert_eq!(Assets.get_response(request).await.status(), 405);
}
