//! Words as people write them: diacritics, endings, addresses, numbers, beginnings.

use super::*;

#[test]
fn polish_words_are_found_in_any_form_and_without_diacritics() {
    let trial = Trial::with(&[
        "Składam reklamację na opóźnioną przesyłkę",
        "Zażółć gęślą jaźń",
        "Proszę o zwrot pieniędzy za fakturę",
        "No Polish here, only an order and two invoices",
        "Dwie reklamacje w jednej paczce",
    ]);
    for query in ["reklamacja ", "reklamacji ", "reklamację ", "reklamacje ", "REKLAMACJĘ ", "reklamacjami "] {
        assert_eq!(trial.find(query), [1, 5], "{query}");
    }
    for query in ["zazolc ", "zażółć ", "ZAŻÓŁĆ ", "zaz\u{307}o\u{301}łc\u{301} ", "gesla jazn "] {
        assert_eq!(trial.find(query), [2], "{query}");
    }
    for query in ["faktura ", "faktury ", "fakturę ", "fakture "] {
        assert_eq!(trial.find(query), [3], "{query}");
    }
    assert_eq!(trial.find("przesyłka "), [1]);
    assert_eq!(trial.find("przesylki "), [1]);
}

#[test]
fn english_words_are_found_in_any_form() {
    let trial = Trial::with(&["The invoices were shipped", "An invoice", "shipping costs of Anna’s order", "ships"]);
    assert_eq!(trial.find("invoice "), [1, 2]);
    assert_eq!(trial.find("INVOICES "), [1, 2]);
    assert_eq!(trial.find("ship "), [1, 3, 4]);
    assert_eq!(trial.find("orders "), [3]);
}

#[test]
fn short_words_are_not_stemmed_away() {
    let trial = Trial::with(&["one", "on", "ale", "al"]);
    for (query, expected) in [("one ", 1), ("on ", 2), ("ale ", 3), ("al ", 4)] {
        assert_eq!(trial.find(query), [expected], "{query}");
    }
}

#[test]
fn quoted_words_are_exact_and_in_a_row() {
    let trial = Trial::with(&["the blue house", "the house, blue", "blue houses", "Blue\nHouse!"]);
    assert_eq!(trial.find("\"blue house\""), [1, 4]);
    assert_eq!(trial.find("blue house "), [1, 2, 3, 4]);
    assert_eq!(trial.find("\"houses\""), [3]);
    assert_eq!(trial.find("-\"blue house\" house "), [2, 3]);
}

#[test]
fn no_phrase_spans_two_texts() {
    let subject = Document { subject: "blue".to_owned(), ..message(1, "house") };
    let trial = Trial::new([subject]);
    assert_eq!(trial.find("\"blue house\" "), [0_u64; 0]);
    assert_eq!(trial.find("blue house "), [1]);
}

#[test]
fn numbers_and_addresses_are_found_whole_and_by_part() {
    let order = Document {
        from: "Jan Żak jan.zak@shop.example.com".to_owned(),
        attachments: vec!["faktura_2024-11.pdf".to_owned()],
        ..message(1, "Order 20418, ticket T-204, FV/2024/0123")
    };
    let trial = Trial::new([order, message(2, "Order 20419, ticket T-205, write to jan@other.example")]);
    for query in ["20418 ", "T-204 ", "t-204", "204 ", "FV/2024/0123 ", "fv/2024 ", "0123 ", "2041 T-204 20418"] {
        let expected: &[u64] = if query.starts_with("2041 ") { &[] } else { &[1] };
        assert_eq!(trial.find(query), expected, "{query}");
    }
    assert_eq!(trial.find("2041"), [1, 2]);
    assert_eq!(trial.find("T-20"), [1, 2]);
    for query in [
        "jan.zak@shop.example.com ",
        "from:jan.zak@shop.example.com ",
        "from:żak ",
        "from:shop.example.com ",
        "from:jan ",
    ] {
        assert_eq!(trial.find(query), [1], "{query}");
    }
    assert_eq!(trial.find("jan@oth"), [2]);
    assert_eq!(trial.find("jan "), [1, 2]);
    assert_eq!(trial.find("from:ja"), [1]);
    assert_eq!(trial.find("faktura_2024-11.pdf "), [1]);
    assert_eq!(trial.find("pdf "), [1]);
}

#[test]
fn the_last_word_may_be_a_beginning() {
    let trial = Trial::with(&["reklamacja", "rekord", "Kraków", "równo"]);
    assert_eq!(trial.find("r"), [1, 2, 4]);
    assert_eq!(trial.find("re"), [1, 2]);
    assert_eq!(trial.find("rek"), [1, 2]);
    assert_eq!(trial.find("rekl"), [1]);
    assert_eq!(trial.find("rekl "), [0_u64; 0]);
    assert_eq!(trial.find("rekl* "), [1]);
    assert_eq!(trial.find("krako"), [3]);
    assert_eq!(trial.find("rów"), [4]);
    assert_eq!(trial.find("x"), [0_u64; 0]);
}

#[test]
fn subjects_belong_to_the_message_and_to_the_conversation() {
    let first = Document { subject: "Zwrot".to_owned(), conversation_subject: "Zwrot".to_owned(), ..message(1, "a") };
    let reply =
        Document { subject: "Re: Zwrot".to_owned(), conversation_subject: "Paczka".to_owned(), ..message(2, "zwrot") };
    let trial = Trial::new([first, reply, message(3, "paczka")]);
    assert_eq!(trial.find("subject:zwrotu "), [1, 2]);
    assert_eq!(trial.find("subject:paczki "), [2]);
    assert_eq!(trial.find("subject:pacz"), [2]);
    assert_eq!(trial.find("paczka "), [2, 3]);
}

#[test]
fn scripts_without_spaces_are_found_by_any_part() {
    let trial = Trial::with(&["私の注文はどこですか", "注文書", "文注"]);
    assert_eq!(trial.find("注文 "), [1, 2]);
    assert_eq!(trial.find("どこ "), [1]);
}

#[test]
fn snippets_show_the_words_found_and_no_control_characters() {
    let body = format!(
        "{} Składam reklamację\u{1}\u{202e}\r\n na   paczkę nr 20418. {}",
        "wstęp ".repeat(60),
        "koniec ".repeat(60)
    );
    let trial = Trial::with(&[&body]);
    let snippet = trial.snippet("reklamacji 20418 ", &body);
    assert!(snippet.contains("Składam [reklamację] na paczkę nr [20418]. koniec"), "{snippet}");
    assert!(snippet.starts_with("…wstęp ") && snippet.ends_with("koniec…"), "{snippet}");
    assert!(snippet.len() < 300 && !snippet.contains(char::is_control), "{snippet}");
    assert_eq!(trial.snippet("from:anna", "krótki tekst"), "krótki tekst");
    assert_eq!(trial.snippet("wst", "wstęp"), "[wstęp]");
    assert_eq!(trial.snippet("wstęp -zebra ", "zebra wstęp"), "zebra [wstęp]");
    assert_eq!(trial.snippet("wstęp", ""), "");
}
