//! File names that strangers gave: normalised first, so that every check sees what is stored.

use crate::base::text::{cut, is_hidden};

/// Longest file name in bytes.
const MAX_FILE_NAME: usize = 200;

/// `raw` as a name that stays inside a folder and reads as it is; `None` when nothing is left.
///
/// The last path component, without controls, hidden and reordering characters, without leading or
/// trailing dots and spaces; what file systems and headers treat specially becomes `_`.
pub fn file_name(raw: &str) -> Option<String> {
    // Invisible characters go first: they hide a separator, or a leading dot, from what follows.
    let visible: String = raw.replace("%00", "").chars().filter(|c| !c.is_control() && !is_hidden(*c)).collect();
    let last = visible.rsplit(['/', '\\']).map(trim).find(|part| !part.is_empty())?;
    let last = last.split_once(':').filter(|(drive, _)| drive.len() == 1).map_or(last, |(_, rest)| trim(rest));
    let spaced: String = last.chars().map(replacement).collect();
    let name = trim(&shorten(&spaced)).to_owned();
    (!name.is_empty()).then_some(name)
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c == '.' || c.is_whitespace())
}

fn replacement(c: char) -> char {
    match c {
        '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
        c if c.is_whitespace() => ' ',
        c => c,
    }
}

/// Cuts a long name before its extension.
fn shorten(name: &str) -> String {
    if name.len() <= MAX_FILE_NAME {
        return name.to_owned();
    }
    match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 => {
            format!("{}.{extension}", cut(stem, MAX_FILE_NAME - extension.len() - 1))
        }
        _ => cut(name, MAX_FILE_NAME).to_owned(),
    }
}

/// A name for a part that brought none, after its declared type.
pub(super) fn unnamed(content_type: &str) -> String {
    let name = match content_type {
        "message/rfc822" | "message/global" => "message.eml",
        "message/delivery-status" => "delivery-status.txt",
        "text/calendar" => "calendar.ics",
        "text/plain" => "text.txt",
        "text/html" => "page.html",
        "image/png" => "image.png",
        "image/jpeg" => "image.jpg",
        "image/gif" => "image.gif",
        "image/webp" => "image.webp",
        "application/pdf" => "document.pdf",
        "application/ms-tnef" => "winmail.dat",
        _ => "attachment.bin",
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_folder_or_lie() {
        for (raw, expected) in [
            ("report.pdf", Some("report.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Windows\\x.exe", Some("x.exe")),
            ("C:x.txt", Some("x.txt")),
            ("\u{200b}.htaccess", Some("htaccess")),
            ("\u{feff}. .\u{202e}gpj.exe", Some("gpj.exe")),
            ("a\0b\r\nc.txt", Some("abc.txt")),
            ("%00.php ", Some("php")),
            ("inv\u{a0}oice \u{2028}.pdf . ", Some("inv oice  .pdf")),
            ("a\"b;c=d.txt", Some("a_b;c=d.txt")),
            ("..", None),
            (" / . ", None),
            ("", None),
        ] {
            assert_eq!(file_name(raw).as_deref(), expected, "{raw:?}");
        }
        let long = file_name(&format!("{}.jpeg", "ż".repeat(4_000))).unwrap();
        assert!(long.len() <= MAX_FILE_NAME && long.ends_with("ż.jpeg"));
    }

    #[test]
    fn a_normalised_name_is_left_alone() {
        for raw in ["a/b.txt", "x\u{200b}y .", "Zażółć (2).pdf", &"x.".repeat(300)] {
            let once = file_name(raw).unwrap();
            assert_eq!(file_name(&once), Some(once));
        }
    }
}
