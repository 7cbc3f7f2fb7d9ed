//! Whole mails: what is read out of them, and that hostile ones cost little.

use proptest::prelude::*;

use crate::mail::parse::{Defect, Parsed, attachment, parse};
use crate::mail::view::view;

const MIXED: &str = "From: =?utf-8?q?Zo=C3=AB?= <zoe@x.example>\r\nTo: a@x.example, \"B, C\" <b@x.example>\r\nSubject: =?iso-8859-2?q?Zam=F3wienie?=\r\n\
Message-ID: <m1@x.example>\r\nIn-Reply-To: <p@x.example>\r\nReferences: <o@x.example>\r\n <p@x.example>\r\nDate: Tue, 14 Nov 2023 23:13:20 +0100\r\n\
Content-Type: multipart/mixed; boundary=m\r\n\r\n\
--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
--a\r\nContent-Type: text/plain; charset=iso-8859-2\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nCze=B6=E6\r\n\
--a\r\nContent-Type: multipart/related; boundary=r\r\n\r\n\
--r\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Cześć <img src=\"cid:i@x\"></p>\r\n\
--r\r\nContent-Type: image/png; name=\"../../i.png\"\r\nContent-ID: <i@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBO\r\nRw==\r\n--r--\r\n--a--\r\n\
--m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*0*=UTF-8''%C5%BB%20; filename*1=\"x.pdf\"\r\n\r\nPDF\r\n\
--m\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nInner text\r\n--m--\r\n";

#[test]
fn an_ordinary_mail_is_read() {
    let parsed = parse(MIXED.as_bytes());
    assert_eq!(parsed.subject, "Zamówienie");
    assert_eq!(parsed.from[0].name.as_deref(), Some("Zoë"));
    assert_eq!(parsed.to[1].name.as_deref(), Some("B, C"));
    assert_eq!((parsed.message_id.as_deref(), parsed.date_ms), (Some("m1@x.example"), Some(1_700_000_000_000)));
    assert_eq!((parsed.in_reply_to.len(), parsed.references.len()), (1, 2));
    assert_eq!(parsed.text.trim(), "Cześć");
    assert_eq!(parsed.html.as_deref().map(str::trim), Some("<p>Cześć <img src=\"cid:i@x\"></p>"));
    let parts: Vec<_> = parsed
        .parts
        .iter()
        .map(|p| (p.name.as_str(), p.content_type.as_str(), p.size, p.inline, p.is_message))
        .collect();
    assert_eq!(
        parts,
        [
            ("i.png", "image/png", 4, true, false),
            ("Ż x.pdf", "application/pdf", 3, false, false),
            ("message.eml", "message/rfc822", 28, false, true)
        ]
    );
    let bytes: Vec<_> = parsed.parts.iter().map(|p| attachment(MIXED.as_bytes(), p.index).unwrap()).collect();
    assert_eq!(bytes, [&b"\x89PNG"[..], b"PDF", b"Subject: inner\r\n\r\nInner text"]);
    assert_eq!(attachment(MIXED.as_bytes(), 99), None);
    assert_eq!(parsed.defects, []);
}

#[test]
fn a_stored_record_is_read_back_even_by_an_older_shape() {
    let parsed = parse(MIXED.as_bytes());
    let stored = rmp_serde::to_vec_named(&parsed).unwrap();
    assert_eq!(rmp_serde::from_slice::<Parsed>(&stored).unwrap(), parsed);
    let old = rmp_serde::to_vec_named(&std::collections::BTreeMap::from([("subject", "x")])).unwrap();
    assert_eq!(rmp_serde::from_slice::<Parsed>(&old).unwrap().subject, "x");
    let code = rmp_serde::to_vec_named("of_a_later_version").unwrap();
    assert_eq!(rmp_serde::from_slice::<Defect>(&code).unwrap(), Defect::Unknown);
    assert_eq!(serde_json::to_value(Defect::MultipleFrom).unwrap(), Defect::MultipleFrom.code());
}

#[test]
fn html_is_converted_before_anything_reads_it() {
    for (charset, body) in [
        ("utf-7", &b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-<p>x</p>"[..]),
        ("utf-16le", b"<\0s\0c\0r\0i\0p\0t\0>\x001\0<\0/\0s\0c\0r\0i\0p\0t\0>\0<\0p\0>\0x\0"),
        ("iso-2022-jp", b"<p>x</p><img title=\"\x1b$B\"><script>1</script>\x1b(B"),
    ] {
        let mut raw = format!("From: a@x.example\r\nContent-Type: text/html; charset={charset}\r\n\r\n").into_bytes();
        raw.extend_from_slice(body);
        let seen = view(&parse(&raw), |_| String::new());
        let html = seen.html.unwrap();
        assert!(!html.contains("<script") && html.contains('x'), "{charset}: {html}");
    }
}

#[test]
fn flowed_and_html_only_bodies_become_readable_text() {
    let flowed =
        parse(b"From: a@x.example\r\nContent-Type: text/plain; format=flowed\r\n\r\nOne \r\nline\r\n> a \r\n> b\r\n");
    assert_eq!(flowed.text, "One line\n> a b\n");
    let html = parse(b"From: a@x.example\r\nContent-Type: text/html\r\n\r\n<p>One<p>Two");
    assert_eq!(html.text, "One\n\nTwo\n");
    let both = parse(b"From: a@x.example\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\nContent-Type: text/html\r\n\r\n<p>One\r\n--b--");
    assert_eq!(both.text, "One\n");
}

#[test]
fn broken_mails_still_show_something() {
    for (raw, text) in [
        ("", ""),
        ("no header at all", "no header at all"),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nnever closed", "never closed"),
        ("Content-Type: multipart/mixed\r\n\r\nno boundary", "no boundary"),
        ("Content-Type: text/plain; charset=\"\r\n\r\nodd", "odd"),
        ("Content-Type: garbage\r\n\r\nodd", "odd"),
        ("Content-Transfer-Encoding: base64\r\n\r\naGkgdGhlcmU", "hi there"),
        ("Content-Type: text/plain; name=body.txt\r\n\r\nnamed", "named"),
    ] {
        let parsed = parse(raw.as_bytes());
        assert_eq!(parsed.text.trim(), text, "{raw}");
        assert!(parsed.defects.contains(&Defect::NoFrom));
    }
}

#[test]
fn hostile_structures_are_shown_as_raw_fast() {
    let started = crate::mail::tests::cost::Meter::start();
    let head = "From: a@x.example\r\nSubject: Big\r\n";
    let deep = format!("{head}{}", "Content-Type: message/rfc822\r\n\r\n".repeat(40_000));
    let wide = format!(
        "{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\n\r\nx\r\n--b\r\nA: b\r\n\r\n".repeat(1_400_000)
    );
    let many = format!("{head}{}\r\nx", "X-A: b\r\n".repeat(100_000));
    let long = format!("{head}X-A: {}\r\n\r\nx", "y".repeat(1_000_000));
    for (raw, defect) in [
        (deep, Defect::TooDeep),
        (wide, Defect::TooManyParts),
        (many, Defect::TooManyHeaders),
        (long, Defect::HeaderTooLarge),
    ] {
        let parsed = parse(raw.as_bytes());
        assert_eq!((parsed.subject.as_str(), parsed.defects.first()), ("Big", Some(&defect)));
        assert!(parsed.unreadable() && parsed.text.contains("Subject: Big") && parsed.parts.is_empty());
    }
    // A mail within a base64 part is never opened, so it cannot nest.
    let inner = data_encoding::BASE64_MIME.encode("Content-Type: message/rfc822\r\n\r\n".repeat(40_000).as_bytes());
    let encoded = parse(
        format!("{head}Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{inner}").as_bytes(),
    );
    assert_eq!((encoded.parts.len(), encoded.parts[0].is_message, encoded.unreadable()), (1, true, false));
    assert!(started.elapsed().as_secs() < 4, "{:?}", started.elapsed());
}

#[test]
fn a_thousand_small_parts_are_all_there() {
    let raw = format!(
        "From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--",
        "--b\r\nContent-Type: image/png\r\n\r\nx\r\n".repeat(1_500)
    );
    let parsed = parse(raw.as_bytes());
    assert_eq!(parsed.parts.len(), 1_500);
    assert_eq!(attachment(raw.as_bytes(), parsed.parts[1_499].index).unwrap(), b"x");
}

#[test]
fn ambiguous_senders_are_noted() {
    for (from, defect) in [
        ("From: a@x.example, b@x.example", Defect::SeveralAuthors),
        ("From: \"a <x@evil.example>\"@", Defect::OddFrom),
        ("From: nobody", Defect::OddFrom),
        ("From: a@x.example\r\nFROM: b@x.example", Defect::MultipleFrom),
        ("X: y", Defect::NoFrom),
    ] {
        assert!(parse(format!("{from}\r\n\r\n").as_bytes()).defects.contains(&defect), "{from}");
    }
    let long = parse(format!("From: {}@x.example\r\n\r\n", "a".repeat(10_000)).as_bytes());
    assert!(long.from[0].email.len() <= 320 && long.defects.contains(&Defect::OddFrom));
}

proptest! {
    #![proptest_config(crate::base::soak::cases(200))]

    #[test]
    fn mutated_mails_never_panic(edits in proptest::collection::vec((0..MIXED.len(), any::<u8>(), 0..3_u8), 1..40)) {
        let mut raw = MIXED.as_bytes().to_vec();
        for (at, byte, how) in edits {
            let at = at.min(raw.len().saturating_sub(1));
            match how {
                0 => raw[at] = byte,
                1 => raw.insert(at, byte),
                _ => { raw.drain(at..(at + usize::from(byte)).min(raw.len())); raw.push(b'\n'); }
            }
        }
        let parsed = parse(&raw);
        for part in &parsed.parts {
            prop_assert_eq!(attachment(&raw, part.index).map(|b| b.len() as u64), Some(part.size));
            prop_assert!(!part.name.is_empty() && !part.name.contains(['/', '\\', '\0', '\r', '\n']));
        }
        view(&parsed, |index| format!("/{index}"));
    }
}
