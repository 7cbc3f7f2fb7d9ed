//! Finding out whether a mail is from whom it says it is: SPF, DKIM, DMARC, and the name of the sending address.
//!
//! Only what the domain in From does counts for the verdict. What other domains do is looked at for a moment and shown,
//! so that nobody's slow name server holds back what is known about another's mail. Never fails: what cannot be asked
//! is a temporary error.

mod kept;
mod verdict;
mod waiting;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use futures_util::future::join_all;
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{DkimError, Signature};
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{
    AuthenticatedMessage, AuthenticationResults, DkimOutput, DkimResult, DmarcOutput, DmarcResult, DnsError, Error,
    IprevOutput, IprevResult, MX, MessageAuthenticator, Parameters, RecordSet, SpfOutput, SpfResult, Txt,
};

use crate::domain::Authentication;
use crate::domain::authentication::Peer;
use crate::mail::address::contact_key;
use crate::net::Resolver;
use kept::Kept;

pub use waiting::{Asked, Checking};

/// Signatures of one mail that are looked at.
const MAX_SIGNATURES: usize = 10;
/// Longest domain or selector that is one, in bytes.
const MAX_NAME: usize = 253;
/// Longest for a question to or about the domain in From.
const DECISIVE: Duration = Duration::from_secs(12);
/// Longest for what is shown and decides nothing.
const ASIDE: Duration = Duration::from_secs(2);
/// Longest for what the domain in From publishes.
const POLICY: Duration = Duration::from_secs(4);

/// Finds out about mails. One for all, with what the name servers said lately.
pub struct Authenticator {
    inner: Option<MessageAuthenticator>,
    hostname: String,
    texts: Kept<Box<str>, Txt>,
    exchangers: Kept<Box<str>, RecordSet<MX>>,
    v4: Kept<Box<str>, RecordSet<Ipv4Addr>>,
    v6: Kept<Box<str>, RecordSet<Ipv6Addr>>,
    names: Kept<IpAddr, RecordSet<Box<str>>>,
}

/// What was found out about one mail.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// What is kept.
    pub authentication: Authentication,
    /// The same as a header field with its line end (RFC 8601); empty when nothing was looked at.
    pub results: String,
    /// The domain in From that this is about; none where From names nobody or several.
    pub author: Option<String>,
}

/// What is cached, borrowed for one question.
type Question<'x, P> = Parameters<
    'x,
    P,
    Kept<Box<str>, Txt>,
    Kept<Box<str>, RecordSet<MX>>,
    Kept<Box<str>, RecordSet<Ipv4Addr>>,
    Kept<Box<str>, RecordSet<Ipv6Addr>>,
    Kept<IpAddr, RecordSet<Box<str>>>,
>;

/// All answers about who handed a mail over.
struct Arrival {
    address: IpAddr,
    helo: SpfOutput,
    /// For the reverse-path; none where it is empty.
    sender: Option<SpfOutput>,
    iprev: IprevOutput,
}

impl Arrival {
    /// What counts: the reverse-path, the client's name where that is empty.
    fn spf(&self) -> &SpfOutput {
        self.sender.as_ref().unwrap_or(&self.helo)
    }
}

/// All answers about one mail.
struct Answers<'x> {
    /// What is known by the address it came from; none where there is none.
    arrival: Option<Arrival>,
    dkim: Vec<DkimOutput<'x>>,
    dmarc: DmarcOutput,
}

impl Authenticator {
    /// Asks `resolver`, in the name of `hostname`.
    pub fn new(resolver: &Resolver, hostname: &str) -> Authenticator {
        Authenticator {
            inner: resolver.hickory().map(|inner| MessageAuthenticator(inner.clone())),
            hostname: hostname.to_owned(),
            texts: Kept::default(),
            exchangers: Kept::default(),
            v4: Kept::default(),
            v6: Kept::default(),
            names: Kept::default(),
        }
    }

    /// Finds out about a mail. Takes sixteen seconds at most.
    pub async fn verify(&self, raw: &[u8], peer: &Peer) -> Verified {
        let Some(inner) = &self.inner else { return Verified::unreachable() };
        let Some(mut message) = AuthenticatedMessage::parse(raw) else { return Verified::default() };
        let author = author(&message);
        let near = |domain: &str| author.as_deref().is_some_and(|author| verdict::may_align(domain, author));
        message.dkim_headers.retain(|found| is_sound(&found.header));
        message.dkim_headers.sort_by_key(|found| !near(&found.header.d));
        message.dkim_headers.truncate(MAX_SIGNATURES);
        message.errors.truncate(MAX_SIGNATURES - message.dkim_headers.len());
        let alone = one_by_one(&message);
        let limit = |domain: &str| if near(domain) { DECISIVE } else { ASIDE };
        let dkim = join_all(alone.iter().map(|message| {
            let domain = message.dkim_headers.first().map_or("", |found| found.header.d.as_str());
            self.dkim(inner, message, limit(domain))
        }));
        let sender = peer.mail_from.as_deref();
        let envelope = sender.map_or(peer.helo.as_str(), domain_of);
        let helo_limit = if sender.is_none() { limit(&peer.helo) } else { ASIDE };
        let arrival = async {
            let address = peer.address?;
            let ehlo = SpfParameters::verify_ehlo(address, &peer.helo, &self.hostname);
            let (helo, sender, iprev) = tokio::join!(
                self.spf(inner, ehlo, &peer.helo, helo_limit),
                async {
                    let sender = sender?;
                    let from = SpfParameters::verify_mail_from(address, &peer.helo, &self.hostname, sender);
                    Some(self.spf(inner, from, envelope, limit(envelope)).await)
                },
                self.iprev(inner, address),
            );
            Some(Arrival { address, helo, sender, iprev })
        };
        let (dkim, arrival) = tokio::join!(dkim, arrival);
        let dkim: Vec<DkimOutput<'_>> = dkim.into_iter().flatten().collect();
        let unknown = SpfOutput::default();
        let spf = arrival.as_ref().map_or(&unknown, Arrival::spf);
        let dmarc = self.dmarc(inner, &message, &dkim, (envelope, spf), near).await;
        let answers = Answers { arrival, dkim, dmarc };
        let authentication = verdict::of(&answers, author.as_deref(), envelope);
        Verified { authentication, results: self.results(&answers, &message, peer), author }
    }

    fn asking<P>(&self, params: P) -> Question<'_, P> {
        Parameters {
            params,
            cache_txt: Some(&self.texts),
            cache_mx: Some(&self.exchangers),
            cache_ptr: Some(&self.names),
            cache_ipv4: Some(&self.v4),
            cache_ipv6: Some(&self.v6),
        }
    }

    async fn spf(
        &self,
        inner: &MessageAuthenticator,
        params: SpfParameters<'_>,
        domain: &str,
        limit: Duration,
    ) -> SpfOutput {
        let asked = tokio::time::timeout(limit, inner.verify_spf(self.asking(params))).await;
        asked.unwrap_or_else(|_| SpfOutput::new(domain.to_owned()).with_result(SpfResult::TempError))
    }

    async fn dkim<'x>(
        &'x self,
        inner: &MessageAuthenticator,
        message: &'x AuthenticatedMessage<'x>,
        limit: Duration,
    ) -> Vec<DkimOutput<'x>> {
        let asked = tokio::time::timeout(limit, inner.verify_dkim(self.asking(message))).await;
        let mut found = asked.unwrap_or_else(|_| {
            let late = |found: &'x mail_auth::common::headers::Header<'x, Signature>| {
                DkimOutput::temp_err(silence()).with_signature(&found.header)
            };
            message.dkim_headers.iter().map(late).collect()
        });
        for output in &mut found {
            let passed = *output.result() == DkimResult::Pass;
            let signature = output.signature().filter(|signature| passed && !signs_from(signature));
            if signature.is_some()
                && let Some(own) = message.dkim_headers.first()
            {
                *output = DkimOutput::fail(Error::MissingParameters).with_signature(&own.header);
            }
        }
        found
    }

    async fn iprev(&self, inner: &MessageAuthenticator, address: IpAddr) -> IprevOutput {
        let asked = tokio::time::timeout(ASIDE, inner.verify_iprev(self.asking(address))).await;
        asked.unwrap_or_else(|_| IprevOutput { result: IprevResult::TempError(silence()), ptr: None })
    }

    async fn dmarc(
        &self,
        inner: &MessageAuthenticator,
        message: &AuthenticatedMessage<'_>,
        dkim: &[DkimOutput<'_>],
        (envelope, spf): (&str, &SpfOutput),
        near: impl Fn(&str) -> bool,
    ) -> DmarcOutput {
        if message.from.len() != 1 {
            return DmarcOutput::default();
        }
        // What cannot align is not asked about: its servers could keep the answer back.
        let counts = |output: &&DkimOutput<'_>| output.signature().is_some_and(|signature| near(&signature.d));
        let dkim: Vec<DkimOutput<'_>> = dkim.iter().filter(counts).cloned().collect();
        let nothing = SpfOutput::default();
        let params = DmarcParameters {
            message,
            dkim_output: &dkim,
            dkim2_output: None,
            rfc5321_mail_from_domain: envelope,
            spf_output: if near(envelope) { spf } else { &nothing },
        };
        let asked = tokio::time::timeout(POLICY, inner.verify_dmarc(self.asking(params))).await;
        asked.unwrap_or_else(|_| {
            let late = || DmarcResult::TempError(silence());
            DmarcOutput::default().with_spf_result(late()).with_dkim_result(late())
        })
    }

    fn results(&self, answers: &Answers<'_>, message: &AuthenticatedMessage<'_>, peer: &Peer) -> String {
        let results = AuthenticationResults::new(&self.hostname).with_dkim_results(&answers.dkim, message.from());
        let Some(arrival) = &answers.arrival else { return results.with_dmarc_result(&answers.dmarc).to_header() };
        let mut results = results.with_spf_ehlo_result(&arrival.helo, arrival.address, &peer.helo);
        if let (Some(spf), Some(sender)) = (&arrival.sender, &peer.mail_from) {
            results = results.with_spf_mailfrom_result(spf, arrival.address, sender, &peer.helo);
        }
        results.with_dmarc_result(&answers.dmarc).with_iprev_result(&arrival.iprev, arrival.address).to_header()
    }
}

impl Verified {
    /// Of a mail about which nobody can be asked.
    fn unreachable() -> Verified {
        let verdict = crate::domain::Verdict::Temperror;
        Verified { authentication: Authentication { verdict, ..Authentication::default() }, ..Verified::default() }
    }
}

/// The domain of the one mailbox in From.
fn author(message: &AuthenticatedMessage<'_>) -> Option<String> {
    match message.from.as_slice() {
        [only] => contact_key(only).rsplit_once('@').map(|(_, domain)| domain.to_owned()),
        _ => None,
    }
}

/// The message once for each signature, so that none waits for another's key; once where there are none.
fn one_by_one<'x>(message: &AuthenticatedMessage<'x>) -> Vec<AuthenticatedMessage<'x>> {
    let mut rest = message.clone();
    let mut alone = Vec::with_capacity(message.dkim_headers.len().max(1));
    while rest.dkim_headers.len() > 1 {
        let mut one = rest.clone();
        one.dkim_headers.truncate(1);
        one.errors.clear();
        alone.push(one);
        rest.dkim_headers.remove(0);
    }
    alone.push(rest);
    alone
}

/// Whether its names can be names.
fn is_sound(signature: &Signature) -> bool {
    [&signature.d, &signature.s, &signature.i].iter().all(|name| name.len() <= MAX_NAME)
}

/// Whether a signature covers From, as it must (RFC 6376 section 5.4).
fn signs_from(signature: &Signature) -> bool {
    signature.h.iter().any(|name| name.trim().eq_ignore_ascii_case("from"))
}

fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// No answer in time.
fn silence() -> Error {
    Error::Dns(DnsError::Resolver(String::from("no answer in time")))
}

/// Why a signature does not hold, as the code that is kept.
fn reason(error: &Error) -> &'static str {
    match error {
        Error::MissingParameters => "from_not_signed",
        Error::Dkim(DkimError::SignatureLength) => "length",
        Error::Dkim(DkimError::FailedBodyHashMatch) | Error::Crypto(_) => "changed",
        Error::Dkim(DkimError::SignatureExpired) => "expired",
        Error::Dkim(DkimError::RevokedPublicKey) => "no_key",
        Error::Dns(DnsError::Resolver(_)) => "unreachable",
        Error::Dns(_) => "no_key",
        _ => "broken",
    }
}
