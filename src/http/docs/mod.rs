//! `GET /api/docs`: the interface for people to read, made of the OpenAPI document alone. It loads nothing from
//! elsewhere and runs no script.

use std::fmt::Write as _;
use std::sync::LazyLock;

use poem::http::header::CACHE_CONTROL;
use poem::{Response, Route, get, handler};
use serde_json::{Map, Value};

use super::api;

static PAGE: LazyLock<String> = LazyLock::new(|| page(api::parts()));

/// The page and its style sheet.
pub(super) fn routes() -> Route {
    Route::new().at("/", get(docs)).at("/style.css", get(style))
}

#[handler]
fn docs() -> Response {
    Response::builder().content_type("text/html; charset=utf-8").header(CACHE_CONTROL, "no-cache").body(PAGE.as_str())
}

#[handler]
fn style() -> Response {
    let style = include_str!("style.css");
    Response::builder().content_type("text/css; charset=utf-8").header(CACHE_CONTROL, "no-cache").body(style)
}

/// Text as HTML text or in a quoted attribute.
fn esc(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// Text in which backquotes mark code, as HTML.
fn prose(value: &Value) -> String {
    let text = esc(value.as_str().unwrap_or_default());
    let mut parts = text.split('`');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        out.push_str(if at % 2 == 0 { "<code>" } else { "</code>" });
        out.push_str(part);
    }
    out
}

/// A part of a value, or nothing.
fn part<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// The name of the schema that is referred to.
fn referred(schema: &Value) -> Option<&str> {
    let reference = schema["$ref"].as_str().or_else(|| part(schema, "/allOf/0/$ref").as_str())?;
    reference.strip_prefix("#/components/schemas/")
}

/// A type in a few words, with links to the types it is made of.
fn kind(schema: &Value) -> String {
    if let Some(name) = referred(schema) {
        return format!("<a href=\"#{0}\">{0}</a>", esc(name));
    }
    let choice = ["oneOf", "anyOf"].iter().find_map(|key| schema[*key].as_array());
    if let Some(choice) = choice {
        return choice.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().filter_map(Value::as_str).map(|value| format!("<code>{}</code>", esc(value)));
        return values.collect::<Vec<_>>().join(" or ");
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("array"), _) => format!("list of {}", kind(&schema["items"])),
        (Some("string"), Some("date-time")) => "time".into(),
        (Some("string"), Some("binary")) => "bytes".into(),
        (Some(name), _) => esc(name),
        (None, _) => "anything".into(),
    }
}

fn row(out: &mut String, name: &str, notes: &str, schema: &Value, description: &Value) {
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<tr><th scope=row><code>{}</code>{notes}</th><td class=kind>{}</td><td>{}</td></tr>",
        esc(name),
        kind(schema),
        prose(description)
    );
}

fn operation(out: &mut String, path: &str, method: &str, said: &Value) {
    let id = esc(said["operationId"].as_str().unwrap_or_default());
    let _ = write!(
        out,
        "<section id=\"{id}\"><h3><span class=\"verb {method}\">{}</span> <code>{}</code></h3><p>{}</p>",
        method.to_uppercase(),
        esc(path),
        prose(&said["summary"])
    );
    if said["description"].is_string() {
        let _ = write!(out, "<p>{}</p>", prose(&said["description"]));
    }
    if said["security"].as_array().is_none_or(Vec::is_empty) {
        out.push_str("<p class=open>Needs no sign-in.</p>");
    }
    let asked = said["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let body = members(part(said, "/requestBody/content")).next();
    if !asked.is_empty() || body.is_some() {
        out.push_str("<table><caption>Asked for</caption>");
        for one in asked {
            let place = if one["in"] == "path" { " <small>in the path</small>" } else { "" };
            row(out, one["name"].as_str().unwrap_or_default(), place, &one["schema"], &one["description"]);
        }
        if let Some((media, body)) = body {
            row(out, "body", "", &body["schema"], &Value::String(media.clone()));
        }
        out.push_str("</table>");
    }
    out.push_str("<table><caption>Answers</caption>");
    for (status, answer) in members(&said["responses"]) {
        let schema = members(&answer["content"]).next().map(|(_, content)| kind(&content["schema"]));
        let status = if status == "default" { "else" } else { status };
        let _ = write!(
            out,
            "<tr><th scope=row>{}</th><td class=kind>{}</td><td>{}</td></tr>",
            esc(status),
            schema.unwrap_or_else(|| "nothing".into()),
            prose(&answer["description"])
        );
    }
    out.push_str("</table></section>");
}

fn schema(out: &mut String, name: &str, said: &Value) {
    let _ = write!(out, "<section id=\"{0}\"><h3>{0}</h3><p>{1}</p>", esc(name), prose(&said["description"]));
    let properties = members(&said["properties"]);
    if said["properties"].is_null() {
        let _ = write!(out, "<p>{}</p>", kind(said));
    } else {
        let required = said["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        out.push_str("<table>");
        for (field, of) in properties {
            let notes = if required.iter().any(|one| one == field) { "" } else { " <small>may be missing</small>" };
            row(out, field, notes, of, &of["description"]);
        }
        out.push_str("</table>");
    }
    out.push_str("</section>");
}

fn page(document: &Value) -> String {
    let mut out = String::from(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Frontdesk: the interface for programs</title><link rel=stylesheet href=\"/api/docs/style.css\">",
    );
    let base = part(document, "/servers/0/url").as_str().unwrap_or_default();
    let listed = |out: &mut String, id: &str, text: &str| {
        let _ = write!(out, "<li><a href=\"#{}\">{text}</a></li>", esc(id));
    };
    out.push_str("<nav aria-label=\"On this page\"><h2>Operations</h2><ul>");
    let operations: Vec<_> = members(&document["paths"])
        .flat_map(|(path, methods)| members(methods).map(move |(method, said)| (path, method, said)))
        .collect();
    for (path, method, said) in &operations {
        let text = format!("<span class=\"verb {method}\">{}</span> {}", method.to_uppercase(), esc(path));
        listed(&mut out, said["operationId"].as_str().unwrap_or_default(), &text);
    }
    out.push_str("</ul><h2>Types</h2><ul>");
    for (name, _) in members(part(document, "/components/schemas")) {
        listed(&mut out, name, &esc(name));
    }
    let _ = write!(
        out,
        "</ul></nav><main><h1>The interface for programs</h1><p>{}</p><p>All paths are below <code>{base}</code>. A \
         program signs in with <code>Authorization: Bearer</code> and a token that <code>frontdesk token create</code> \
         made; pages use their session's cookie. What happens is told live by the WebSocket at \
         <code>{base}/live?after=</code><i>change</i>, with the frames that <code>GET {base}/changes</code> lists. The \
         same for tools: <a href=\"/api/openapi.json\">openapi.json</a>.</p><h2>Operations</h2>",
        prose(part(document, "/info/description"))
    );
    for (path, method, said) in operations {
        operation(&mut out, path, method, said);
    }
    out.push_str("<h2>Types</h2>");
    for (name, said) in members(part(document, "/components/schemas")) {
        schema(&mut out, name, said);
    }
    out.push_str("</main></html>\n");
    out
}
