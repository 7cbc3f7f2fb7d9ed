//! The OpenAPI document: what poem-openapi makes of the types, and what it cannot know of them.
//!
//! Every operation can answer with a problem, by the outermost conversion, so that is added here once instead
//! of at every operation.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::service;
use crate::http::problem::MEDIA_TYPE;

static DOCUMENT: LazyLock<(Value, String)> = LazyLock::new(|| {
    let document = completed(&service().spec());
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    (document, text)
});

/// The OpenAPI document, as it is committed and as `GET /api/openapi.json` gives it.
pub fn document() -> &'static str {
    &DOCUMENT.1
}

/// The same, to be read by parts.
pub(in crate::http) fn parts() -> &'static Value {
    &DOCUMENT.0
}

fn completed(spec: &str) -> Value {
    // What is made of the types is JSON; a test reads it.
    let mut document: Value = serde_json::from_str(spec).unwrap_or_default();
    if let Some(schemas) = object(&mut document, "/components/schemas") {
        schemas.insert("Problem".into(), problem());
    }
    let answer = json!({
        "description": "A problem (RFC 9457); `code` says which.",
        "content": { MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    for operation in object(&mut document, "/paths").into_iter().flat_map(Map::values_mut).flat_map(operations) {
        let Some(responses) = object(operation, "/responses") else { continue };
        for (status, response) in responses.iter_mut() {
            if response["description"] == "" {
                response["description"] = if status == "200" { "What was asked for." } else { "Done." }.into();
            }
        }
        responses.insert("default".into(), answer.clone());
        for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
            if parameter["in"] == "path" && parameter["description"].is_null() {
                parameter["description"] = "Its number.".into();
            }
        }
    }
    document
}

fn operations(path: &mut Value) -> impl Iterator<Item = &mut Value> {
    path.as_object_mut().into_iter().flat_map(Map::values_mut)
}

fn object<'a>(value: &'a mut Value, pointer: &str) -> Option<&'a mut Map<String, Value>> {
    value.pointer_mut(pointer)?.as_object_mut()
}

fn problem() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "type": "object",
        "description": "What went wrong, for programs and for people (RFC 9457). Some codes bring further members.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": text("Always about:blank: `code` tells problems apart."),
            "title": text("The status in words."),
            "status": { "type": "integer", "description": "The status of the response." },
            "code": text("A stable word for programs: `not_found`, `stale_reply` …"),
            "detail": text("One sentence for people."),
            "field": text("The field of the request that is meant, where it is one."),
        },
        "additionalProperties": true,
    })
}
