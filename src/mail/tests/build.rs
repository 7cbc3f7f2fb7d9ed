//! Building a mail and reading it back.

use proptest::prelude::*;

use crate::base::text::one_line;
use crate::mail::build::{BuildError, File, Outgoing, build};
use crate::mail::parse::{Address, Parsed, attachment, parse};
use crate::mail::thread;

fn person(name: Option<&str>, email: &str) -> Address {
    Address { name: name.map(str::to_owned), email: email.to_owned() }
}

fn small() -> Outgoing {
    Outgoing {
        from: person(Some("Ewa Lis"), "ewa@tarnina.example"),
        to: vec![person(None, "jan@x.example")],
        subject: "Hello".into(),
        text: "Hi\n".into(),
        message_id: thread::message_id("aaaaaaaaaaaaaaaaaaaaaaaaaa", "desk.example"),
        date_ms: 1_700_000_000_000,
        ..Outgoing::default()
    }
}

/// Builds, holds the bytes against what every mail must keep, and reads them back.
fn round(mail: &Outgoing) -> (Vec<u8>, Parsed) {
    let raw = build(mail).unwrap();
    assert!(raw.is_ascii());
    for line in raw.split_inclusive(|b| *b == b'\n') {
        assert!(line.len() <= 1_000, "{}", String::from_utf8_lossy(line));
        let inner = line.strip_suffix(b"\r\n").unwrap_or(line);
        assert!(!inner.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)), "{}", String::from_utf8_lossy(line));
    }
    let parsed = parse(&raw);
    assert_eq!(parsed.defects, [], "{}", String::from_utf8_lossy(&raw));
    (raw, parsed)
}

#[test]
fn all_forms_of_a_body_come_back() {
    let file = |name: &str, id: Option<&str>| File {
        name: name.into(),
        content_type: "image/png".into(),
        bytes: (0..=255).cycle().take(5_000).collect(),
        content_id: id.map(str::to_owned),
        inline: id.is_some(),
    };
    for (html, files) in [
        (None, vec![]),
        (Some("<p>Hi <img src=\"cid:a@b\"></p>"), vec![]),
        (Some("<p>Hi <img src=\"cid:a@b\"></p>"), vec![file("a.png", Some("a@b")), file("Żółw \"x\".png", None)]),
        (None, vec![file("a.png", None), file("a.png", Some("a@b"))]),
    ] {
        let mail = Outgoing {
            html: html.map(str::to_owned),
            files: files.clone(),
            text: "From: me\n.\nżółw\n".into(),
            ..small()
        };
        let (raw, parsed) = round(&mail);
        assert_eq!(parsed.text, mail.text);
        assert_eq!(parsed.html.as_deref().map(str::trim_end), html);
        assert_eq!(parsed.parts.len(), files.len());
        for (part, sent) in parsed.parts.iter().zip(&files) {
            assert_eq!(attachment(&raw, part.index).as_ref(), Some(&sent.bytes));
            assert_eq!(
                (part.name.as_str(), part.inline),
                (sent.name.replace('"', "_").as_str(), sent.inline && html.is_some())
            );
        }
    }
}

#[test]
fn hidden_recipients_stay_hidden_and_each_is_named_once() {
    let mail = Outgoing {
        bcc: vec![person(None, "secret@x.example")],
        cc: vec![person(Some("J"), "jan@x.example")],
        ..small()
    };
    let raw = build(&mail).unwrap();
    assert!(!String::from_utf8(raw).unwrap().contains("secret"));
    let recipients: Vec<String> = mail.recipients().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(recipients, ["jan@x.example", "secret@x.example"]);
    assert_eq!(build(&Outgoing { to: vec![], ..small() }), Err(BuildError::NoRecipient));
}

#[test]
fn no_field_can_begin_another() {
    let fields = parse(&build(&small()).unwrap());
    for evil in [
        "a\r\nBcc: evil@x.example",
        "a\nX: y",
        "a\rX: y",
        "a\0b",
        "a\u{2028}b",
        "a\u{85}b",
        "a, evil@x.example",
        "a\" <evil@x.example>, \"b",
        "=?utf-8?q?a=0D=0AX:_y?=",
        "a;b:c",
    ] {
        let mut mail = small();
        mail.subject = evil.into();
        mail.from.name = Some(evil.into());
        mail.to = vec![person(Some(evil), "jan@x.example")];
        mail.files = vec![File {
            name: evil.into(),
            content_type: evil.into(),
            content_id: Some(evil.into()),
            ..File::default()
        }];
        let (raw, parsed) = round(&mail);
        let header = String::from_utf8(raw).unwrap();
        let header = header.split("\r\n\r\n").next().unwrap();
        let names: Vec<&str> = header
            .split("\r\n")
            .filter(|l| !l.starts_with([' ', '\t']))
            .map(|l| l.split(':').next().unwrap())
            .collect();
        assert_eq!(names, ["From", "Subject", "Date", "Message-ID", "To", "MIME-Version", "Content-Type"], "{evil:?}");
        assert_eq!(
            (parsed.to.len(), parsed.to[0].email.as_str(), parsed.from.len()),
            (1, "jan@x.example", 1),
            "{evil:?}"
        );
        assert_eq!(parsed.date_ms, fields.date_ms);
        for broken in [
            Outgoing { to: vec![person(None, &format!("{evil}@x.example"))], ..small() },
            Outgoing { from: person(None, &format!("{evil}\r\n@x.example")), ..small() },
            Outgoing { message_id: format!("{evil}\r\n@x"), ..small() },
            Outgoing { in_reply_to: Some(format!("{evil} @x")), ..small() },
            Outgoing { headers: vec![("X-A".into(), format!("{evil}\n"))], ..small() },
            Outgoing { headers: vec![(format!("{evil}:"), "x".into())], ..small() },
            Outgoing { headers: vec![("Subject".into(), "x".into())], ..small() },
        ] {
            assert!(build(&broken).is_err(), "{broken:?}");
        }
    }
}

#[test]
fn long_lists_stay_within_their_lines() {
    let many: Vec<String> = (0..60).map(|n| format!("{}{n}@x.example", "r".repeat(200))).collect();
    let to =
        (0..300).map(|n| person(Some("Żółw, Dr \"Jan\""), &format!("jan{n}@{}.example", "d".repeat(60)))).collect();
    let mail = Outgoing {
        references: thread::references(&many, Some("last@x.example")),
        in_reply_to: Some("last@x.example".into()),
        to,
        subject: "ż ".repeat(400),
        ..small()
    };
    let (_, parsed) = round(&mail);
    assert_eq!(
        (parsed.references, parsed.in_reply_to, parsed.to.len()),
        (mail.references, vec!["last@x.example".to_owned()], 300)
    );
    assert_eq!(parsed.to[299].name.as_deref(), Some("Żółw, Dr \"Jan\""));
    assert_eq!(parsed.subject, one_line(&mail.subject, 900));
}

proptest! {
    #![proptest_config(crate::base::soak::cases(100))]

    #[test]
    fn what_is_built_is_read_back(
        name in "\\PC{1,40}", subject in ".{0,200}", text in "(?s).{0,600}", html in "(?s).{0,300}",
        file in proptest::collection::vec(any::<u8>(), 0..300), file_name in "\\PC{0,80}",
    ) {
        let mut mail = small();
        mail.to = vec![person(Some(&name), "jan@x.example")];
        (mail.subject, mail.text, mail.html) = (subject.clone(), text.clone(), Some(html.clone()));
        mail.files = vec![File { name: file_name.clone(), content_type: "text/plain".into(), bytes: file.clone(), ..File::default() }];
        let (raw, parsed) = round(&mail);
        let plain = |text: &str| {
            let text: String = text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
            text.trim_start_matches('\u{feff}').trim_end_matches('\n').to_owned()
        };
        let blank = plain(&text).trim().is_empty();
        prop_assert!(blank || parsed.text.trim_end_matches('\n') == plain(&text), "{:?} {:?}", parsed.text, text);
        prop_assert_eq!(parsed.subject, one_line(&subject, 900));
        let expected = one_line(&name, 200);
        prop_assert_eq!(parsed.to[0].name.clone().unwrap_or_default(), expected);
        prop_assert_eq!(parsed.parts.len(), 1);
        prop_assert_eq!(attachment(&raw, parsed.parts[0].index), Some(file));
    }
}
