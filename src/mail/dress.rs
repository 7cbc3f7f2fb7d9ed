//! Dresses cleaned HTML for the mail programs that will show it.
//!
//! They drop style sheets, classes or the whole head, and each brings margins of its own, so what must hold stands on
//! the elements themselves. Only elements without a style of their own are touched.

/// What elements get, as they are written by the cleaner.
const STYLES: [(&str, &str); 3] = [
    ("<p>", "<p style=\"margin:0 0 1em 0\">"),
    ("<blockquote>", "<blockquote style=\"margin:0 0 1em 0;padding:0 0 0 12px;border-left:2px solid #cccccc\">"),
    // No picture is wider than the window, whatever its own size.
    ("<img src=\"cid:", "<img style=\"max-width:100%;height:auto\" src=\"cid:"),
];
/// Before and after the words. The character set is said here as well: some programs save the part without its header.
const BEFORE: &str = "<!DOCTYPE html>\n<html>\n<head>\n\
    <meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n</head>\n<body>\n\
    <div style=\"font-family:Arial,Helvetica,sans-serif;font-size:14px;line-height:1.5\">\n";
const AFTER: &str = "\n</div>\n</body>\n</html>\n";

/// The whole page for words that were cleaned: text of anybody cannot contain what is replaced, since the cleaner
/// writes every `<` in text and attributes as `&lt;`.
pub fn dress(words: &str) -> String {
    let mut dressed = words.to_owned();
    for (plain, styled) in STYLES {
        dressed = dressed.replace(plain, styled);
    }
    format!("{BEFORE}{dressed}{AFTER}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{clean, text};

    #[test]
    fn what_is_sent_has_its_styles_on_the_elements_and_the_same_words() {
        let written = "<p class=\"x\">Hi &lt;p&gt;</p><blockquote><p>old</p></blockquote>\
            <p><img src=\"cid:a@b\" alt=\"&lt;blockquote>\"><img src=\"https://t.example/x.gif\"></p>";
        let words = clean::clean_words(written, &[String::from("a@b")]).unwrap();
        let page = dress(&words);
        for gone in ["class=", "<style", "<script", "t.example", "<blockquote>", "<p>"] {
            assert!(!page.contains(gone), "{gone} in {page}");
        }
        for kept in ["charset=utf-8", "max-width:100%;height:auto\" src=\"cid:a@b\"", "border-left:2px", "&lt;p&gt;"] {
            assert!(page.contains(kept), "{kept} not in {page}");
        }
        assert_eq!(text::text_from_html(&page).trim(), text::text_from_html(&words).trim());
        assert!(text::text_from_html(&page).contains("Hi <p>"));
    }

    #[test]
    fn pictures_that_were_not_uploaded_are_not_shown() {
        let words = clean::clean_words("<p>a<img src=\"cid:foreign@x\"></p>", &[]).unwrap();
        assert!(!words.contains("cid:"), "{words}");
    }
}
