//! The interface's document is committed beside the pages that are typed by it.

use std::path::Path;

#[test]
fn the_committed_document_is_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/api/openapi.json");
    let document = frontdesk::http::api::document();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept == document, "web/api/openapi.json is not fresh: make bless renews it and the types made of it");
}
