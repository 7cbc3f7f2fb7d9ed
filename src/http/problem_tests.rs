//! What poem and poem-openapi say themselves, as problems.

use poem::{EndpointExt, Route};
use poem_openapi::payload::{Json, PlainText};
use poem_openapi::{Object, OpenApi, OpenApiService};
use serde_json::{Value, json};

use super::*;

struct Api;

#[derive(Object)]
struct Input {
    name: String,
}

#[OpenApi]
impl Api {
    #[oai(path = "/things/:id", method = "post")]
    async fn change(
        &self,
        #[oai(name = "id")] id: poem_openapi::param::Path<u64>,
        #[oai(name = "limit")] limit: poem_openapi::param::Query<Option<u64>>,
        body: Json<Input>,
    ) -> PlainText<String> {
        PlainText(format!("{} {:?} {}", id.0, limit.0, body.0.name))
    }

    #[oai(path = "/stale", method = "get")]
    async fn stale(&self) -> poem::Result<PlainText<String>> {
        Err(Problem::new(StatusCode::CONFLICT, "stale_reply", "Somebody answered.").with("since", json!([1])).into())
    }
}

async fn send(method: Method, path: &str, kind: Option<&str>, body: &'static str) -> (u16, Value) {
    let routes = Route::new().nest("/", OpenApiService::new(Api, "test", "1")).with(Problems);
    let mut request = Request::builder().method(method).uri_str(path);
    if let Some(kind) = kind {
        request = request.content_type(kind);
    }
    let response = routes.call(request.body(body)).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.content_type().unwrap_or_default().to_owned();
    let text = response.into_body().into_string().await.unwrap();
    assert!(status < 400 || kind == MEDIA_TYPE, "{path}: {kind} {text}");
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[tokio::test]
async fn parse_errors_name_the_field() {
    let json_kind = Some("application/json");
    let table = [
        ("/things/x", json_kind, "{}", 404, "not_found", Value::Null),
        ("/things/1?limit=x", json_kind, r#"{"name":"a"}"#, 400, "invalid", json!("limit")),
        ("/things/1", json_kind, "{", 400, "invalid", json!("body")),
        ("/things/1", json_kind, r#"{"name":[]}"#, 400, "invalid", json!("body")),
        ("/things/1", Some("text/plain"), "{}", 415, "unsupported_media_type", json!("content-type")),
        ("/things/1", None, "{}", 415, "unsupported_media_type", json!("content-type")),
        ("/nowhere", json_kind, "{}", 404, "not_found", Value::Null),
    ];
    for (path, kind, body, status, code, field) in table {
        let (got, problem) = send(Method::POST, path, kind, body).await;
        assert_eq!(
            (got, &problem["code"], &problem["field"]),
            (status, &json!(code), &field),
            "{path} {body}: {problem}"
        );
    }
    assert_eq!(send(Method::PUT, "/stale", None, "").await.0, 405);
    assert_eq!(send(Method::POST, "/things/1", json_kind, r#"{"name":"a"}"#).await.0, 200);
}

#[tokio::test]
async fn own_problems_pass_with_their_members() {
    let (status, problem) = send(Method::GET, "/stale", None, "").await;
    let expected = json!({"type": "about:blank", "title": "Conflict", "status": 409, "code": "stale_reply",
        "detail": "Somebody answered.", "since": [1]});
    assert_eq!((status, problem), (409, expected));
}
