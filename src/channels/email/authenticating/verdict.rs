//! From all answers about one mail to what is kept and what follows. Pure.

use mail_auth::dmarc::Policy as Published;
use mail_auth::{DkimOutput, DkimResult, DmarcOutput, DmarcResult, IprevResult, SpfResult};

use super::{Answers, reason};
use crate::domain::authentication::{Authentication, Dkim, Dmarc, Iprev, Policy, Spf, Verdict};

/// Longest name of an address that is kept, in bytes.
const MAX_NAME: usize = 253;

/// What is kept of all answers. `author` is the domain in From, `envelope` that of the reverse-path or of the client's
/// name.
///
/// Of a mail that was fetched from a mailbox elsewhere it is not known who brought it there, so that only a signature
/// speaks for it, and the lack of one not against it.
pub(super) fn of(answers: &Answers<'_>, author: Option<&str>, envelope: &str) -> Authentication {
    let published = answers.dmarc.dmarc_record().is_some();
    let aligned = |domain: &str, passed: bool, said: &DmarcResult| {
        let near = author.is_some_and(|author| may_align(domain, author));
        let same = author.is_some_and(|author| is_same_or_above(domain, author));
        if published { near && (!passed || *said == DmarcResult::Pass) } else { same }
    };
    let spf = answers.arrival.as_ref().map(|arrival| Spf {
        result: spf_name(arrival.spf().result()).to_owned(),
        domain: envelope.to_lowercase(),
        aligned: aligned(envelope, arrival.spf().result() == SpfResult::Pass, answers.dmarc.spf_result()),
        helo: spf_name(arrival.helo.result()).to_owned(),
    });
    let dkim: Vec<Dkim> = answers
        .dkim
        .iter()
        .map(|output| {
            let (domain, selector) = output.signature().map_or(("", ""), |found| (&found.d, &found.s));
            let passed = *output.result() == DkimResult::Pass;
            Dkim { aligned: aligned(domain, passed, answers.dmarc.dkim_result()), ..kept(output, domain, selector) }
        })
        .collect();
    let iprev = answers.arrival.as_ref().map(|arrival| Iprev {
        result: iprev_name(&arrival.iprev.result).to_owned(),
        address: arrival.address,
        name: arrival.iprev.ptr.as_ref().and_then(|names| names.first()).and_then(|name| shown(name)),
    });
    let verdict = author.map_or(Verdict::None, |_| verdict(&answers.dmarc, spf.as_ref(), &dkim));
    let unknown = verdict == Verdict::Fail && answers.arrival.is_none();
    let dmarc = author.map(|author| Dmarc {
        result: if unknown { "none" } else { dmarc_name(&answers.dmarc.result()) }.to_owned(),
        domain: author.to_owned(),
        policy: published.then(|| policy(answers.dmarc.policy())),
    });
    let verdict = if unknown { Verdict::None } else { verdict };
    Authentication { verdict, spf, dkim, dmarc, iprev, peer: None }
}

/// What follows for a mail with one domain in From.
fn verdict(dmarc: &DmarcOutput, spf: Option<&Spf>, dkim: &[Dkim]) -> Verdict {
    let results = [dmarc.spf_result(), dmarc.dkim_result()];
    let unsaid = results.iter().any(|result| matches!(result, DmarcResult::TempError(_)));
    if dmarc.dmarc_record().is_some() {
        return match () {
            () if results.contains(&&DmarcResult::Pass) => Verdict::Pass,
            () if unsaid => Verdict::Temperror,
            () => Verdict::Fail,
        };
    }
    let mut aligned = dkim.iter().filter(|one| one.aligned).map(|one| one.result.as_str()).collect::<Vec<_>>();
    aligned.extend(spf.filter(|spf| spf.aligned).map(|spf| spf.result.as_str()));
    match () {
        () if aligned.contains(&"pass") => Verdict::Pass,
        () if unsaid || aligned.contains(&"temperror") => Verdict::Temperror,
        () => Verdict::None,
    }
}

/// Whether two domains could be of one organisation: they share what stands before the top.
pub(super) fn may_align(domain: &str, author: &str) -> bool {
    let end = |name: &str| name.trim_end_matches('.').rsplit('.').take(2).map(str::to_lowercase).collect::<Vec<_>>();
    let (domain, author) = (end(domain), end(author));
    domain.len() == 2 && domain == author
}

/// Whether `domain` is `author`, or above it and no top: where nothing is published, one below it speaks for nobody
/// else.
fn is_same_or_above(domain: &str, author: &str) -> bool {
    let domain = domain.trim_end_matches('.').to_lowercase();
    let before = author.strip_suffix(domain.as_str());
    domain.contains('.') && before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn kept(output: &DkimOutput<'_>, domain: &str, selector: &str) -> Dkim {
    let (result, error) = match output.result() {
        DkimResult::Pass => ("pass", None),
        DkimResult::Neutral(error) | DkimResult::Fail(error) => ("fail", Some(error)),
        DkimResult::PermError(error) => ("permerror", Some(error)),
        DkimResult::TempError(error) => ("temperror", Some(error)),
        DkimResult::None => ("none", None),
    };
    Dkim {
        result: result.to_owned(),
        domain: domain.to_lowercase(),
        selector: selector.to_owned(),
        aligned: false,
        reason: error.map(|error| reason(error).to_owned()),
    }
}

fn spf_name(result: SpfResult) -> &'static str {
    match result {
        SpfResult::Pass => "pass",
        SpfResult::Fail => "fail",
        SpfResult::SoftFail => "softfail",
        SpfResult::Neutral => "neutral",
        SpfResult::TempError => "temperror",
        SpfResult::PermError => "permerror",
        SpfResult::None => "none",
    }
}

fn dmarc_name(result: &DmarcResult) -> &'static str {
    match result {
        DmarcResult::Pass => "pass",
        DmarcResult::Fail(_) => "fail",
        DmarcResult::TempError(_) => "temperror",
        DmarcResult::PermError(_) => "permerror",
        DmarcResult::None => "none",
    }
}

fn iprev_name(result: &IprevResult) -> &'static str {
    match result {
        IprevResult::Pass => "pass",
        IprevResult::Fail(_) => "fail",
        IprevResult::TempError(_) => "temperror",
        IprevResult::PermError(_) => "permerror",
        IprevResult::None => "none",
    }
}

fn policy(published: Published) -> Policy {
    match published {
        Published::Reject => Policy::Reject,
        Published::Quarantine => Policy::Quarantine,
        Published::None | Published::Unspecified => Policy::None,
    }
}

/// A host name that can be shown; odd bytes of one are nobody's name.
fn shown(name: &str) -> Option<String> {
    let name = name.trim_end_matches('.');
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    (plain && !name.is_empty() && name.len() <= MAX_NAME).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_of_one_organisation() {
        for (domain, author, may, same) in [
            ("shop.example", "shop.example", true, true),
            ("Shop.Example.", "shop.example", true, true),
            ("mail.shop.example", "shop.example", true, false),
            ("shop.example", "news.shop.example", true, true),
            ("a.shop.example", "b.shop.example", true, false),
            ("evilshop.example", "shop.example", false, false),
            ("example", "shop.example", false, false),
            ("", "shop.example", false, false),
        ] {
            assert_eq!((may_align(domain, author), is_same_or_above(domain, author)), (may, same), "{domain} {author}");
        }
    }

    #[test]
    fn odd_names_are_not_shown() {
        assert_eq!(shown("mx.shop.example."), Some(String::from("mx.shop.example")));
        for odd in ["", ".", "a b.example", "a\u{202e}.example", "\\001.example", &"a".repeat(254)] {
            assert_eq!(shown(odd), None, "{odd}");
        }
    }
}
