//! Finds where quoted history begins. It only says where: nothing is ever removed, and only a tail
//! is quoted history, so that answers written below or between are never folded away.

/// A line as this room looks at it.
pub(super) struct Seen<'a> {
    /// The words, without quotation marks before them.
    pub(super) text: &'a str,
    /// Whether it is marked as quoted.
    pub(super) quoted: bool,
}

impl Seen<'_> {
    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// The 0-based line of `text` at which the quoted history at its end begins; `None` when there is
/// none, or when there would be nothing left without it.
pub fn quote_from_line(text: &str) -> Option<usize> {
    let lines: Vec<Seen<'_>> = text.lines().map(seen).collect();
    find(&lines)
}

fn seen(line: &str) -> Seen<'_> {
    let rest = line.trim_start();
    Seen { text: rest.trim_start_matches(['>', ' ']), quoted: rest.starts_with('>') }
}

/// The first line of the quoted tail of `lines`.
pub(super) fn find(lines: &[Seen<'_>]) -> Option<usize> {
    let first = own_line(lines)?;
    for (place, line) in lines.iter().enumerate().skip(first + 1) {
        if line.quoted || line.is_blank() {
            continue;
        }
        if is_forward(line.text) {
            return None;
        }
        let rest = lines.get(place..).unwrap_or_default();
        if is_original_message(line.text) || is_header_block(rest) {
            return Some(with_rule_before(lines, place, first));
        }
        if let Some(length) = attribution(rest)
            && is_tail(rest.get(..length).unwrap_or_default(), rest.get(length..).unwrap_or_default())
        {
            return Some(place);
        }
    }
    trailing_run(lines, first)
}

/// The first line of the writer's own: an attribution at the very top belongs to what it quotes.
fn own_line(lines: &[Seen<'_>]) -> Option<usize> {
    let own = |line: &Seen<'_>| !line.is_blank() && !line.quoted;
    let first = lines.iter().position(own)?;
    let Some(length) = attribution(lines.get(first..)?) else { return Some(first) };
    lines.iter().skip(first + length).position(own).map(|place| place + first + length)
}

/// Whether what follows an attribution is quoted to its end.
fn is_tail(attribution: &[Seen<'_>], after: &[Seen<'_>]) -> bool {
    let mut rest = after.iter().filter(|line| !line.is_blank());
    match rest.next() {
        None => false,
        Some(line) if line.quoted => rest.all(|line| line.quoted),
        // Some clients do not mark what they quote. Then the attribution must be beyond doubt.
        Some(_) => attribution.iter().any(|line| line.text.contains('@') || has_time(line.text)),
    }
}

fn has_time(text: &str) -> bool {
    text.as_bytes().windows(4).any(|w| matches!(w, [a, b':', c, d] if [a, c, d].iter().all(|b| b.is_ascii_digit())))
}

/// A rule of dashes or underscores right before belongs to the quotation.
fn with_rule_before(lines: &[Seen<'_>], place: usize, first: usize) -> usize {
    let before = lines.iter().enumerate().take(place).skip(first + 1).rev().find(|(_, line)| !line.is_blank());
    match before {
        Some((rule, line)) if is_rule(line.text) => rule,
        _ => place,
    }
}

fn is_rule(text: &str) -> bool {
    let text = text.trim();
    text.len() >= 5 && text.chars().all(|c| matches!(c, '_' | '-' | '=' | '—' | '─'))
}

fn trailing_run(lines: &[Seen<'_>], first: usize) -> Option<usize> {
    let last = lines.iter().rposition(|line| !line.is_blank())?;
    let run = lines.get(..=last)?.iter().rposition(|line| !line.quoted && !line.is_blank())?;
    let start = lines.iter().enumerate().skip(run + 1).find(|(_, line)| line.quoted).map(|(place, _)| place)?;
    (start > first).then_some(start)
}

/// Longest announcement of a forwarded message, bytes. Most lines are longer, and changing their case costs.
const MAX_FORWARD: usize = 64;

/// Whether a line announces a forwarded message, which is content and not history.
pub(super) fn is_forward(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| c == '-' || c == '*' || c.is_whitespace()).trim_end_matches(':');
    if bare.len() > MAX_FORWARD {
        return false;
    }
    matches!(
        bare.to_lowercase().as_str(),
        "forwarded message"
            | "begin forwarded message"
            | "przekazana wiadomość"
            | "wiadomość przekazana dalej"
            | "początek przekazywanej wiadomości"
            | "weitergeleitete nachricht"
            | "anfang der weitergeleiteten nachricht"
            | "message transféré"
            | "début du message réexpédié"
            | "mensaje reenviado"
            | "mensagem encaminhada"
            | "messaggio inoltrato"
            | "doorgestuurd bericht"
            | "přeposlaná zpráva"
            | "treść przekazanej wiadomości"
    )
}

fn is_original_message(text: &str) -> bool {
    let text = text.trim();
    if !text.starts_with("--") || !text.ends_with("--") {
        return false;
    }
    let bare = text.trim_matches(|c: char| c == '-' || c.is_whitespace()).to_lowercase();
    matches!(
        bare.as_str(),
        "original message"
            | "oryginalna wiadomość"
            | "wiadomość oryginalna"
            | "wiadomość pierwotna"
            | "ursprüngliche nachricht"
            | "originalnachricht"
            | "original-nachricht"
            | "message d'origine"
            | "message original"
            | "mensaje original"
            | "mensagem original"
            | "messaggio originale"
            | "oorspronkelijk bericht"
            | "původní zpráva"
            | "reply message"
            | "original appointment"
    )
}

/// What a line of a header block is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    From,
    Date,
    To,
    Subject,
}

/// Longest name of a field, bytes.
const MAX_KEY: usize = 32;

fn field(text: &str) -> Option<Field> {
    let (key, _) = text.split_once(':')?;
    let key = key.trim_matches(|c: char| c == '*' || c.is_whitespace());
    if key.len() > MAX_KEY {
        return None;
    }
    match key.to_lowercase().as_str() {
        "from" | "od" | "von" | "de" | "van" | "da" | "od kogo" | "від" => Some(Field::From),
        "sent" | "date" | "wysłano" | "data" | "data wysłania" | "gesendet" | "datum" | "envoyé" | "enviado"
        | "enviado el" | "verzonden" | "odesláno" | "inviato" | "надіслано" => Some(Field::Date),
        "to" | "do" | "an" | "à" | "para" | "aan" | "komu" | "a" | "кому" => Some(Field::To),
        "subject" | "temat" | "betreff" | "objet" | "asunto" | "assunto" | "onderwerp" | "předmět" | "oggetto"
        | "тема" => Some(Field::Subject),
        _ => None,
    }
}

/// Whether `lines` begin with the header block of an earlier message, as Outlook writes it.
fn is_header_block(lines: &[Seen<'_>]) -> bool {
    if lines.first().and_then(|line| field(line.text)) != Some(Field::From) {
        return false;
    }
    let near: Vec<Field> = lines.iter().take(10).filter_map(|line| field(line.text)).collect();
    near.contains(&Field::Subject) && (near.contains(&Field::To) || near.contains(&Field::Date))
}

/// Endings of attributions, lower case. Each ends in a colon, as every attribution does.
const WROTE: &[&str] = &[
    "wrote:",
    "napisał(a):",
    "napisał:",
    "napisała:",
    "napisał/a:",
    "pisze:",
    "schrieb:",
    "schreef:",
    "a écrit :",
    "a écrit:",
    "escribió:",
    "escreveu:",
    "ha scritto:",
    "napsal(a):",
    "napsal:",
    "пише:",
    "wrote :",
    "написав:",
    "napisali:",
    "skrev:",
    "kirjoitti:",
    "írta:",
];

/// How many lines an attribution at the start of `lines` takes, at most four; `None` when there is none.
///
/// "On 3 May 2026 at 10:00, Jan <jan@x> wrote:" and its kin, which clients break anywhere.
fn attribution(lines: &[Seen<'_>]) -> Option<usize> {
    if !lines.first().is_some_and(|line| begins_attribution(line.text)) {
        return None;
    }
    let mut joined = String::new();
    for (place, line) in lines.iter().take(4).enumerate() {
        if line.is_blank() || line.quoted {
            return None;
        }
        joined.push_str(line.text.trim());
        if joined.len() > 400 {
            return None;
        }
        if !joined.ends_with(':') {
            joined.push(' ');
            continue;
        }
        let lower = joined.to_lowercase();
        let digits = lower.bytes().any(|b| b.is_ascii_digit()) || lower.contains('@');
        let german = lower.starts_with("am ") && lower.contains(" schrieb ");
        let dutch = lower.starts_with("op ") && lower.contains(" schreef ");
        if digits && (german || dutch || WROTE.iter().any(|ending| lower.ends_with(ending))) {
            return Some(place + 1);
        }
        joined.push(' ');
    }
    None
}

/// Whether a line can be the first of an attribution: a known opening, a date, or a person.
fn begins_attribution(text: &str) -> bool {
    const OPENINGS: &[&str] = &[
        "on ", "w dniu ", "dnia ", "am ", "le ", "el ", "em ", "il ", "op ", "dne ", "pon", "wt.", "śr.", "czw", "pt.",
        "sob", "niedz", "niedz", "den ", "на ",
    ];
    let text = text.trim();
    let opens = |opening: &&str| {
        let mut start = text.chars().flat_map(char::to_lowercase);
        opening.chars().all(|c| start.next() == Some(c))
    };
    let ends = |text: &str| {
        let lower = text.to_lowercase();
        WROTE.iter().any(|ending| lower.ends_with(ending))
    };
    OPENINGS.iter().any(opens) || text.starts_with(|c: char| c.is_ascii_digit()) || text.ends_with(':') && ends(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let from = quote_from_line(text).map(|line| text.lines().nth(line).unwrap());
        assert_eq!(from.unwrap_or(""), expected, "{text}");
    }

    #[test]
    fn tails_of_many_clients_are_found() {
        for (quote, start) in [
            (
                "On Mon, 3 Nov 2025 at 10:00, Jan <jan@x.example> wrote:\n> a\n>\n> b",
                "On Mon, 3 Nov 2025 at 10:00, Jan <jan@x.example> wrote:",
            ),
            (
                "On Mon, 3 Nov 2025 at 10:00, Jan Someone-With-A-Long-Name\n<jan@x.example> wrote:\n\n> a",
                "On Mon, 3 Nov 2025 at 10:00, Jan Someone-With-A-Long-Name",
            ),
            ("On 03/11/2025 10:00, Jan wrote:\nnot marked at all\n", "On 03/11/2025 10:00, Jan wrote:"),
            ("W dniu 3.11.2025 o 10:00, Jan pisze:\n> a", "W dniu 3.11.2025 o 10:00, Jan pisze:"),
            (
                "pon., 3 lis 2025 o 10:00 Jan <jan@x.example> napisał(a):\n\n> a",
                "pon., 3 lis 2025 o 10:00 Jan <jan@x.example> napisał(a):",
            ),
            (
                "Dnia 3 listopada 2025 10:00 Jan <j@x.example> napisał(a):\na",
                "Dnia 3 listopada 2025 10:00 Jan <j@x.example> napisał(a):",
            ),
            ("Am 03.11.25 um 10:00 schrieb Jan:\n> a", "Am 03.11.25 um 10:00 schrieb Jan:"),
            ("Am 3. Nov. 2025 schrieb Jan <j@x.example>:\n> a", "Am 3. Nov. 2025 schrieb Jan <j@x.example>:"),
            (
                "Le lun. 3 nov. 2025 à 10:00, Jan <j@x.example> a écrit :\n> a",
                "Le lun. 3 nov. 2025 à 10:00, Jan <j@x.example> a écrit :",
            ),
            (
                "-----Original Message-----\nFrom: Jan\nSent: Monday\nTo: Ewa\nSubject: x\n\na",
                "-----Original Message-----",
            ),
            (
                "________________________________\nFrom: Jan <j@x>\nSent: Monday\nTo: Ewa\nSubject: x\n\na",
                "________________________________",
            ),
            ("Od: Jan <j@x>\nWysłano: poniedziałek\nDo: Ewa\nTemat: x\n\na", "Od: Jan <j@x>"),
            ("*Von:* Jan\n*Gesendet:* Montag\n*An:* Ewa\n*Betreff:* x\n\na", "*Von:* Jan"),
            ("> a\n> b\n\n> c", "> a"),
        ] {
            check(&format!("Thanks!\n\n{quote}\n"), start);
        }
    }

    #[test]
    fn answers_below_or_between_stay_visible() {
        check("On 3 Nov 2025, Jan wrote:\n> a\n\nMy answer below.\n", "");
        check("Hi,\nOn 3 Nov 2025, Jan wrote:\n> a\nno\n> b\nyes\n", "");
        check("Hi,\nOn 3 Nov 2025, Jan wrote:\n> a\nno\n> b\n> c\n", "> b");
    }

    #[test]
    fn a_message_that_is_all_quotation_or_a_forward_is_left_alone() {
        check("> only\n> this\n", "");
        check("On 3 Nov 2025 at 10:00, Jan wrote:\n> a\n", "");
        check("FYI\n\n---------- Forwarded message ---------\nFrom: Jan <j@x>\nDate: x\nSubject: y\nTo: z\n\ntext", "");
        check("From: the team\nHello\n", "");
        check("On Monday the courier wrote:\nnothing more to say\n", "");
        check("", "");
    }
}
