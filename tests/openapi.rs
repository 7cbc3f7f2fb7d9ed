//! The interface's document is committed, so that every change to the interface is seen as one.
//!
//! `BLESS=1` writes what the code says now.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::TestServer;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/web/api/openapi.json");

#[test]
fn the_committed_document_is_what_the_code_says() {
    let document = frontdesk::http::api::document();
    if std::env::var("BLESS").is_ok_and(|bless| bless == "1") {
        std::fs::write(PATH, document).unwrap();
    }
    let committed = std::fs::read_to_string(PATH).unwrap();
    let differs = committed.lines().zip(document.lines()).position(|(one, other)| one != other);
    let line = differs.unwrap_or(committed.lines().count().min(document.lines().count())) + 1;
    assert!(
        committed == document,
        "web/api/openapi.json differs from the code at line {line}: `make bless` renews it and the types made of it"
    );
}

#[test]
fn every_operation_has_a_name_and_is_described() {
    let document: Value = serde_json::from_str(frontdesk::http::api::document()).unwrap();
    let mut names = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no name"));
            assert!(names.insert(name.to_owned()), "{name} is the name of two operations");
            assert!(operation["summary"].is_string(), "{name} is not described");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.len() > 1, "{name} has no answers of its own");
            let problem = &answers["default"]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{name}");
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, value) in schema["properties"].as_object().into_iter().flatten() {
            let said = value["description"].is_string() || !value["allOf"].is_null() || !value["$ref"].is_null();
            assert!(said, "{name}.{field} is not described");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_gives_the_document_out() {
    let server = TestServer::start_empty(|_| {}).await;
    let answer = server.anonymous().get("//api/openapi.json").await;
    let served = answer.expect(200);
    let document: Value = serde_json::from_str(frontdesk::http::api::document()).unwrap();
    assert_eq!(served, document);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_the_same_on_a_page_that_loads_nothing_from_elsewhere() {
    let server = TestServer::start_empty(|_| {}).await;
    let answer = server.anonymous().get("//api/docs").await;
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    let page = std::str::from_utf8(&answer.bytes).unwrap();
    let document: Value = serde_json::from_str(frontdesk::http::api::document()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
        for operation in methods.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(page.contains(&format!("<section id=\"{id}\">")), "{id}");
        }
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("<section id=\"{name}\">")), "{name}");
    }
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
    let style = server.anonymous().get("//api/docs/style.css").await;
    assert_eq!(style.headers["content-type"], "text/css; charset=utf-8");
    server.stop().await;
}
