//! What is set aside: lists of senders, and kinds of mail that no person wrote to a person.

use serde::{Deserialize, Serialize};

use super::Place;
use super::authentication::Verdict;

/// The filters of the workspace, or of one inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// Senders that are never set aside: addresses (`anna@shop.example`) and domains (`shop.example`), lower case.
    pub allow: Vec<String>,
    /// Senders that are not taken.
    pub deny: Vec<String>,
    /// Kinds that are set aside; an inbox that does not say follows the workspace.
    pub kinds: Option<Kinds>,
}

/// Kinds of mail, each a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kinds {
    /// Automatic replies: out of office, receipts.
    pub automatic: bool,
    /// Bulk mail and mailing lists.
    pub bulk: bool,
    /// Senders that are machines by name: no-reply, mailer-daemon.
    pub role: bool,
    /// Mail that offers to unsubscribe.
    pub unsubscribe: bool,
}

impl Default for Kinds {
    /// Automatic replies and bulk mail.
    fn default() -> Kinds {
        Kinds { automatic: true, bulk: true, role: false, unsubscribe: false }
    }
}

/// What is known of a mail that begins a conversation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The address in From, as contacts are known by.
    pub sender: &'a str,
    /// Whether it is from whom it says.
    pub verdict: Verdict,
    /// An automatic reply.
    pub automatic: bool,
    /// Bulk, or of a list.
    pub bulk: bool,
    /// It offers to unsubscribe.
    pub unsubscribe: bool,
}

/// Local parts of machines.
const ROLES: [&str; 9] = [
    "no-reply",
    "noreply",
    "no_reply",
    "do-not-reply",
    "donotreply",
    "do_not_reply",
    "mailer-daemon",
    "notifications",
    "bounces",
];

/// Whether an address is on a list: itself, or its domain or one above it.
pub fn listed(list: &[String], address: &str) -> bool {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    let matches =
        |entry: &String| entry == address || entry == domain || (!entry.contains('@') && ends_in(domain, entry));
    list.iter().any(matches)
}

/// Whether `domain` lies below `parent`.
fn ends_in(domain: &str, parent: &str) -> bool {
    domain.strip_suffix(parent).is_some_and(|before| before.ends_with('.'))
}

/// Where a mail that begins a conversation goes, and why, as a code; none for the inbox. What the inbox says comes
/// before what the workspace says, and who is let in before who is kept out. A forged sender is let in by no list.
pub fn judge(workspace: &Filters, inbox: &Filters, facts: Facts<'_>) -> Option<(Place, &'static str)> {
    let forged = facts.verdict == Verdict::Fail;
    for filters in [inbox, workspace] {
        if !forged && listed(&filters.allow, facts.sender) {
            return None;
        }
        if listed(&filters.deny, facts.sender) {
            return Some((Place::Spam, "denied"));
        }
    }
    let kinds = inbox.kinds.or(workspace.kinds).unwrap_or_default();
    let role = || {
        let local = facts.sender.rsplit_once('@').map_or(facts.sender, |(local, _)| local);
        let plain = local.split_once('+').map_or(local, |(plain, _)| plain);
        ROLES.contains(&plain)
    };
    match facts {
        _ if kinds.automatic && facts.automatic => Some((Place::Filtered, "automatic")),
        _ if kinds.bulk && facts.bulk => Some((Place::Filtered, "bulk")),
        _ if kinds.role && role() => Some((Place::Filtered, "role")),
        _ if kinds.unsubscribe && facts.unsubscribe => Some((Place::Filtered, "unsubscribe")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|entry| String::from(*entry)).collect()
    }

    #[test]
    fn an_entry_is_an_address_or_a_domain_with_all_below_it() {
        for (entry, address, found) in [
            ("anna@shop.example", "anna@shop.example", true),
            ("anna@shop.example", "joanna@shop.example", false),
            ("shop.example", "anna@shop.example", true),
            ("shop.example", "anna@eu.shop.example", true),
            ("shop.example", "anna@notshop.example", false),
            ("shop.example", "shop.example@x.example", false),
            ("example", "anna@shop.example", true),
            ("a@b", "x@a@b", false),
        ] {
            assert_eq!(listed(&list(&[entry]), address), found, "{entry} {address}");
        }
    }

    #[test]
    fn the_inbox_comes_first_and_no_list_lets_a_forgery_in() {
        let facts = Facts { sender: "anna@shop.example", bulk: true, ..Facts::default() };
        let none = Filters::default();
        let allow = Filters { allow: list(&["shop.example"]), ..Filters::default() };
        let deny = Filters { deny: list(&["anna@shop.example"]), ..Filters::default() };
        assert_eq!(judge(&none, &none, facts), Some((Place::Filtered, "bulk")));
        assert_eq!(judge(&allow, &none, facts), None);
        assert_eq!(judge(&deny, &none, facts), Some((Place::Spam, "denied")));
        assert_eq!(judge(&deny, &allow, facts), None);
        assert_eq!(judge(&allow, &deny, facts), Some((Place::Spam, "denied")));
        let forged = Facts { verdict: Verdict::Fail, ..facts };
        assert_eq!(judge(&allow, &none, forged), Some((Place::Filtered, "bulk")));
    }

    #[test]
    fn each_kind_has_its_switch() {
        let with = |kinds| Filters { kinds: Some(kinds), ..Filters::default() };
        let off = Kinds { automatic: false, bulk: false, role: false, unsubscribe: false };
        let all = Kinds { automatic: true, bulk: true, role: true, unsubscribe: true };
        let person = Facts { sender: "anna@shop.example", ..Facts::default() };
        for (facts, reason) in [
            (Facts { automatic: true, ..person }, "automatic"),
            (Facts { bulk: true, ..person }, "bulk"),
            (Facts { unsubscribe: true, ..person }, "unsubscribe"),
            (Facts { sender: "no-reply+x@shop.example", ..person }, "role"),
        ] {
            assert_eq!(judge(&with(all), &Filters::default(), facts), Some((Place::Filtered, reason)));
            assert_eq!(judge(&with(off), &Filters::default(), facts), None);
            assert_eq!(judge(&with(off), &with(all), facts), Some((Place::Filtered, reason)), "the inbox's own");
        }
        assert_eq!(judge(&with(all), &Filters::default(), person), None);
    }
}
