//! Made-up mail from a seed: words by Zipf's law, some of them Polish, senders who come back, threads that go on.

use std::fmt::Write;

/// Words there are.
const WORDS: usize = 20_000;
/// People who write.
const PEOPLE: u64 = 20_000;
/// Starts and ends of words; three of them make one.
const SYLLABLES: [&str; 48] = [
    "ka", "ten", "mor", "li", "sza", "ro", "win", "der", "po", "tra", "ny", "gel", "bu", "stro", "fe", "lan", "czy",
    "mi", "gro", "ven", "ta", "ście", "har", "no", "pel", "wa", "żu", "ri", "sto", "ken", "da", "lo", "pra", "wó",
    "zen", "ju", "ble", "co", "fin", "ma", "rę", "su", "ther", "lin", "go", "pi", "ćma", "est",
];
const COMMON: [&str; 24] = [
    "the",
    "and",
    "order",
    "you",
    "not",
    "for",
    "please",
    "with",
    "is",
    "delivery",
    "have",
    "tent",
    "nie",
    "proszę",
    "zamówienie",
    "this",
    "that",
    "dzień",
    "dobry",
    "my",
    "in",
    "was",
    "namiot",
    "thanks",
];

/// A generator of numbers: SplitMix64.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, below: u64) -> u64 {
        self.next() % below
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The words there are, the commonest first.
pub struct Words(Vec<String>);

impl Words {
    pub fn new() -> Words {
        let mut words: Vec<String> = COMMON.iter().map(|word| (*word).to_owned()).collect();
        let mut seen: std::collections::HashSet<String> = words.iter().cloned().collect();
        let mut dice = Dice::new(7);
        while words.len() < WORDS {
            let parts = 2 + dice.below(2);
            let word: String = (0..parts).map(|_| SYLLABLES[dice.below(48) as usize]).collect();
            if seen.insert(word.clone()) {
                words.push(word);
            }
        }
        Words(words)
    }

    /// The word of a rank, from 0.
    pub fn rank(&self, rank: usize) -> &str {
        &self.0[rank.min(WORDS - 1)]
    }

    /// A word as often as its rank says.
    fn pick(&self, dice: &mut Dice) -> &str {
        // The inverse of a Zipf distribution with exponent 1: the logarithm of the rank is even.
        let rank = (WORDS as f64).powf(dice.share()) as usize - 1;
        self.rank(rank)
    }
}

/// A mail and its envelope's sender.
pub struct Letter {
    pub from: String,
    pub bytes: Vec<u8>,
}

/// Letters without end, the same for the same seed.
pub struct Letters {
    words: Words,
    dice: Dice,
    number: u64,
    /// Threads that may go on: who writes, its subject and last Message-ID.
    open: Vec<(u64, String, String)>,
}

impl Letters {
    pub fn new(seed: u64) -> Letters {
        Letters { words: Words::new(), dice: Dice::new(seed), number: seed << 40, open: Vec::new() }
    }

    fn text(&mut self, words: u64) -> String {
        let mut text = String::new();
        for at in 0..words {
            text.push_str(self.words.pick(&mut self.dice));
            text.push_str(if at % 11 == 10 { "\r\n" } else { " " });
        }
        text
    }

    /// A letter of at least `words` words; three of five go on with a thread.
    fn letter(&mut self, words: u64, threads: bool) -> Letter {
        self.number += 1;
        let id = format!("{:x}.{:x}@mail.example", self.number, self.dice.next());
        let goes_on = threads && !self.open.is_empty() && self.dice.below(5) < 3;
        let (person, subject, parent) = if goes_on {
            let at = self.dice.below(self.open.len() as u64) as usize;
            let (person, subject, parent) = self.open.swap_remove(at);
            (person, subject, Some(parent))
        } else {
            (self.dice.below(PEOPLE), self.text(5).replace("\r\n", " ").trim().to_owned(), None)
        };
        let from = format!("person{person}@firm{}.example", person % 977);
        let name = self.words.rank(100 + person as usize % 5000).to_owned();
        let mut mail = format!(
            "Received: from mx{}.example by relay.example with ESMTPS id {id};\r\n\tMon, 2 Mar 2026 08:59:00 +0000\r\n\
             From: {name} <{from}>\r\nTo: Hello <hello@desk.example>\r\n\
             Date: Mon, 2 Mar 2026 09:00:00 +0000\r\nMessage-ID: <{id}>\r\nMIME-Version: 1.0\r\n",
            person % 13
        );
        let re = if parent.is_some() { "Re: " } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(mail, "Subject: {re}{subject}\r\n");
        if let Some(parent) = &parent {
            let _ = write!(mail, "In-Reply-To: <{parent}>\r\nReferences: <{parent}>\r\n");
        }
        let text = self.text(words);
        match self.dice.below(20) {
            0 => self.with_file(&mut mail, &text),
            1..7 => with_html(&mut mail, &text),
            _ => {
                let _ = write!(mail, "Content-Type: text/plain; charset=utf-8\r\n\r\nDzień dobry,\r\n\r\n{text}\r\n");
            }
        }
        if threads {
            self.open.push((person, subject, id));
            if self.open.len() > 4096 {
                self.open.swap_remove(0);
            }
        }
        Letter { from, bytes: mail.into_bytes() }
    }

    fn with_file(&mut self, mail: &mut String, text: &str) {
        let name = self.words.pick(&mut self.dice).to_owned();
        let file: String = (0..60).map(|_| format!("{:016x}{:016x}\r\n", self.dice.next(), self.dice.next())).collect();
        let _ = write!(
            mail,
            "Content-Type: multipart/mixed; boundary=b1\r\n\r\n--b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
             {text}\r\n--b1\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"{name}.pdf\"\
             \r\nContent-Transfer-Encoding: base64\r\n\r\n{file}--b1--\r\n"
        );
    }

    /// A letter as it comes every day: 60 to 600 words.
    pub fn everyday(&mut self) -> Letter {
        let words = 60 + self.dice.below(160) + if self.dice.below(4) == 0 { self.dice.below(400) } else { 0 };
        self.letter(words, true)
    }

    /// A plain letter of about 5 KB that begins a conversation.
    pub fn five_kb(&mut self) -> Letter {
        let mut letter = self.letter(20, false);
        while letter.bytes.len() < 5120 {
            let more = self.text(11);
            letter.bytes.extend_from_slice(more.as_bytes());
        }
        letter.bytes.extend_from_slice(b"\r\n");
        letter
    }
}

fn with_html(mail: &mut String, text: &str) {
    let html: String = text.lines().map(|line| format!("<p style=\"margin:0\">{line}</p>\r\n")).collect();
    let _ = write!(
        mail,
        "Content-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         {text}\r\n--b2\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><div>{html}</div></body></html>\r\n\
         --b2--\r\n"
    );
}
