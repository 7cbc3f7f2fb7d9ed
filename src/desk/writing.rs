//! The words of a message: cleaned, bounded, in both forms.

use super::replies::{MAX_WORDS, NewMessage};
use super::{Error, Result};
use crate::domain::draft::DraftKind;
use crate::mail::{clean, text};

/// The cleaned words of a message.
pub(super) struct Words {
    /// As plain text.
    pub(super) text: String,
    /// As HTML; a comment may have none.
    pub(super) html: Option<String>,
}

/// The words of a new message, in which these pictures stand.
pub(super) fn words_of(new: &NewMessage, pictures: &[String]) -> Result<Words> {
    let too_long = |part: &Option<String>| part.as_ref().is_some_and(|part| part.len() > MAX_WORDS);
    if too_long(&new.html) || too_long(&new.text) {
        return Err(Error::TooLarge);
    }
    let html =
        new.html.as_deref().map(|html| clean::clean_words(html, pictures)).transpose().map_err(|_| Error::TooLarge)?;
    let html = html.filter(|html| !html.trim().is_empty());
    let plain = match (&new.text, &html) {
        (Some(plain), _) if !plain.trim().is_empty() => plain.replace("\r\n", "\n"),
        (_, Some(html)) => text::text_from_html(html),
        _ => String::new(),
    };
    let silent = plain.trim().is_empty() && html.as_deref().is_none_or(|html| !html.contains("<img"));
    if silent && new.attachments.is_empty() && new.forward.is_none() {
        return Err(Error::invalid("text", "empty"));
    }
    let html = match (html, new.kind) {
        (_, DraftKind::Reply) if new.plain => None,
        (None, DraftKind::Reply) => Some(text::html_from_text(&plain)),
        (html, _) => html,
    };
    Ok(Words { text: plain, html })
}
