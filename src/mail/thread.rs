//! The ids that hold a conversation together: our Message-IDs and reply addresses, which carry an
//! unguessable token, and the References of what we send (RFC 5322 section 3.6.4).
//!
//! It recognises the form of a token only; whether one is ours, and who may use it, is looked up elsewhere.

use crate::base::random;
use crate::base::text::is_hidden;

/// Longest message id that is kept, in bytes.
pub const MAX_ID: usize = 512;
/// Longest message id that is written into References, so that no line comes near 998 bytes.
const MAX_WRITTEN_ID: usize = 250;
/// How many of the latest references are sent along, beside the first.
const LATEST_REFERENCES: usize = 20;
const REPLY_PREFIX: &str = "reply+";
const BOUNCE_PREFIX: &str = "bounce+";

/// What proves that a return path is one of ours.
pub type Mac = [u8; 12];

/// A new Message-ID without angle brackets: `token.random@host`, for the conversation of `token`.
pub fn message_id(token: &str, host: &str) -> String {
    format!("{}.{}@{}", token.to_ascii_lowercase(), random::token(), host.to_ascii_lowercase())
}

/// The token in a message id of the form of ours, in lower case; any case and brackets are accepted.
pub fn token_of_message_id(id: &str) -> Option<String> {
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    let (local, host) = id.rsplit_once('@')?;
    let (token, random) = local.split_once('.')?;
    (random::is_token(token) && random::is_token(random) && !host.is_empty()).then(|| token.to_ascii_lowercase())
}

/// The address to which a contact's answers come: `reply+token@host`.
pub fn reply_address(token: &str, host: &str) -> String {
    format!("{REPLY_PREFIX}{}@{}", token.to_ascii_lowercase(), host.to_ascii_lowercase())
}

/// The token in a reply address at `host`, in lower case; the case of the address does not matter.
pub fn token_of_reply_address(address: &str, host: &str) -> Option<String> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let token = local
        .get(REPLY_PREFIX.len()..)
        .filter(|_| local.get(..REPLY_PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(REPLY_PREFIX)))?;
    (domain.eq_ignore_ascii_case(host) && random::is_token(token)).then(|| token.to_ascii_lowercase())
}

/// The return path of a message: `bounce+…@host`, with what proves that it is ours.
pub fn bounce_address(message: u64, mac: &Mac, host: &str) -> String {
    let bytes = [message.to_be_bytes().as_slice(), mac].concat();
    let token = data_encoding::BASE32_NOPAD.encode(&bytes).to_ascii_lowercase();
    format!("{BOUNCE_PREFIX}{token}@{}", host.to_ascii_lowercase())
}

/// The message and the proof in a return path, which has yet to be looked at; the case of the address does not matter.
pub fn message_of_bounce_address(local: &str) -> Option<(u64, Mac)> {
    let local = local.to_ascii_uppercase();
    let token = local.strip_prefix(&BOUNCE_PREFIX.to_ascii_uppercase())?;
    let bytes: [u8; 20] = data_encoding::BASE32_NOPAD.decode(token.as_bytes()).ok()?.try_into().ok()?;
    let (message, mac) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*message), *mac.first_chunk::<12>()?))
}

/// A message id without angle brackets, white space, controls and hidden characters; `None` when
/// nothing is left or it is longer than [`MAX_ID`] bytes.
pub fn normalise_id(raw: &str) -> Option<String> {
    let keep = |c: &char| !c.is_whitespace() && !c.is_control() && !is_hidden(*c) && *c != '<' && *c != '>';
    if raw.len() > MAX_ID * 4 {
        return None;
    }
    let id: String = raw.chars().filter(keep).collect();
    (!id.is_empty() && id.len() <= MAX_ID).then_some(id)
}

/// References for an answer: those of the message answered plus its own id, without repeats; of a
/// long list the first and the last twenty.
pub fn references(parent_references: &[String], parent_id: Option<&str>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    // The latest mention counts, as it says where in the thread the message stands.
    for id in parent_references.iter().map(String::as_str).chain(parent_id).filter_map(written_id) {
        out.retain(|known| *known != id);
        out.push(id);
    }
    if out.len() > LATEST_REFERENCES + 1 {
        out.drain(1..out.len() - LATEST_REFERENCES);
    }
    out
}

/// An id that can be written into a header field as it is; `None` when it is too long for a line or not ASCII.
pub fn written_id(id: &str) -> Option<String> {
    normalise_id(id).filter(|id| id.len() <= MAX_WRITTEN_ID && id.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_ids_are_recognised_in_any_case_and_others_are_not() {
        let token = random::token();
        let id = message_id(&token, "Desk.Example");
        assert_eq!(token_of_message_id(&id), Some(token.clone()));
        assert_eq!(token_of_message_id(&format!(" <{}> ", id.to_uppercase())), Some(token.clone()));
        assert_ne!(message_id(&token, "desk.example"), message_id(&token, "desk.example"));
        for other in [
            token.as_str(),
            "a.b@desk.example",
            &format!("{token}@desk.example"),
            &format!("{token}.1@desk.example"),
            "",
        ] {
            assert_eq!(token_of_message_id(other), None, "{other}");
        }
    }

    #[test]
    fn reply_addresses_need_the_whole_token_and_our_host() {
        let token = random::token();
        let address = reply_address(&token, "desk.example");
        assert_eq!(token_of_reply_address(&address.to_uppercase(), "desk.example"), Some(token.clone()));
        for other in [
            "reply+1@desk.example".to_owned(),
            format!("reply+{}@desk.example", &token[..25]),
            format!("reply+{token}x@desk.example"),
            format!("reply+{token}@other.example"),
            format!("żżżżżż{token}@desk.example"),
            "reply+".to_owned(),
        ] {
            assert_eq!(token_of_reply_address(&other, "desk.example"), None, "{other}");
        }
    }

    #[test]
    fn return_paths_carry_a_message_and_its_proof() {
        let address = bounce_address(7, b"proof-of-it!", "Desk.Example");
        let (local, host) = address.split_once('@').unwrap();
        assert_eq!((host, local.len() <= 64), ("desk.example", true));
        assert_eq!(message_of_bounce_address(&local.to_uppercase()), Some((7, *b"proof-of-it!")));
        for other in ["bounce+", "bounce+abc", "reply+aaaa", &local[..local.len() - 1], &format!("{local}a"), "żżżżżżż"]
        {
            assert_eq!(message_of_bounce_address(other), None, "{other}");
        }
    }

    #[test]
    fn references_keep_the_first_and_the_latest() {
        let many: Vec<String> = (0..60).map(|n| format!("<{n}@x.example>")).collect();
        let out = references(&many, Some("60@x.example"));
        assert_eq!(out.len(), 21);
        assert_eq!(
            (out[0].as_str(), out[1].as_str(), out[20].as_str()),
            ("0@x.example", "41@x.example", "60@x.example")
        );
        let repeated = references(&["a@x".into(), "b@x".into(), "a@x".into(), "y".repeat(300)], Some("b@x\r\nBcc: z"));
        assert_eq!(repeated, ["b@x", "a@x", "b@xBcc:z"]);
        assert!(references(&[], None).is_empty());
    }
}
