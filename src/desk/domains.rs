//! The team's own domains: their DKIM keys, and how their mail leaves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::workspace::{Relay, RelayChange, RelaySource};
use super::{Act, Desk, Error, Result, Who, channels};
use crate::base::{Clock, Timestamp};
use crate::domain::mail_domain::{DkimAlgorithm, DkimKey, KeyState};
use crate::domain::{Actor, DomainId, MailDomain, What};
use crate::mail::address::domain_key;
use crate::mail::dkim::{self, Signer};
use crate::store::{Key, Rows, Table, Writer};

/// Most domains.
const MAX_DOMAINS: usize = 200;
/// Keys kept of a domain, retired ones included.
const MAX_KEYS: usize = 12;

/// A domain that is added unless it is there: keys are made before the transaction.
#[derive(Clone, Debug)]
pub(super) struct Made {
    name: String,
    keys: Vec<DkimKey>,
}

impl Made {
    /// A domain that is there.
    pub(super) fn known(name: &str) -> Made {
        Made { name: String::from(name), keys: Vec::new() }
    }
}

/// Signers of domains, parsed once, with the selectors they sign with.
#[derive(Debug, Default)]
pub struct Signers(Mutex<HashMap<DomainId, Known>>);

/// The selectors a signer was made of, and the signer.
type Known = (Vec<String>, Arc<Signer>);

impl Desk {
    /// Adds a domain with keys of its own; the one that is there when it is.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Invalid`] for what is no domain.
    pub async fn add_domain(&self, who: &Who, name: &str) -> Result<MailDomain> {
        who.must_manage()?;
        let name = domain_key(name.trim()).filter(|name| name.contains('.') || *name == self.hostname);
        self.ensure_domain(who.actor(), &name.ok_or(Error::invalid("name", "invalid"))?).await
    }

    /// The domain of that name, made when it is not there.
    ///
    /// # Errors
    /// The store's own.
    pub async fn ensure_domain(&self, actor: Actor, name: &str) -> Result<MailDomain> {
        let known = by_name(&self.store.read()?, name)?;
        if let Some(known) = known {
            return Ok(known);
        }
        let made = self.make_domain(name).await?;
        let act = self.act(actor);
        self.store.write(move |writer| ensure(writer, act, &made)).await
    }

    /// Makes keys that will take the place of those a domain signs with, once their records are published.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Conflict`] `rotation_under_way`.
    pub async fn rotate_keys(&self, who: &Who, id: DomainId) -> Result<MailDomain> {
        who.must_manage()?;
        let domain: MailDomain = self.store.read()?.find(id)?.ok_or(Error::NotFound)?;
        let mut keys = self.make_keys(&domain.keys).await?;
        keys.iter_mut().for_each(|key| key.state = KeyState::Next);
        let act = self.act(who.actor());
        self.store
            .write(move |writer| {
                let mut domain: MailDomain = writer.find(id)?.ok_or(Error::NotFound)?;
                if domain.keys.iter().any(|key| key.state == KeyState::Next) {
                    return Err(Error::conflict("rotation_under_way", "there are keys that do not sign yet"));
                }
                domain.keys.extend(keys.iter().cloned());
                put(writer, act, &domain)
            })
            .await
    }

    /// Has the next keys of a domain sign: their records are published. Those that signed are retired.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] `no_next_keys`.
    pub async fn activate_keys(&self, actor: Actor, id: DomainId) -> Result<MailDomain> {
        let act = self.act(actor);
        self.store
            .write(move |writer| {
                let mut domain: MailDomain = writer.find(id)?.ok_or(Error::NotFound)?;
                if !domain.keys.iter().any(|key| key.state == KeyState::Next) {
                    return Err(Error::conflict("no_next_keys", "there are no keys that wait to sign"));
                }
                for key in &mut domain.keys {
                    key.state = match key.state {
                        KeyState::Active => KeyState::Retired(act.at),
                        KeyState::Next => KeyState::Active,
                        retired @ KeyState::Retired(_) => retired,
                    };
                }
                let over = domain.keys.len().saturating_sub(MAX_KEYS);
                domain.keys.drain(..over);
                put(writer, act, &domain)
            })
            .await
    }

    /// Sets how a domain's mail leaves; none for the way of the workspace.
    ///
    /// # Errors
    /// As [`Desk::set_relay`].
    pub async fn set_domain_relay(&self, who: &Who, id: DomainId, change: Option<RelayChange>) -> Result<MailDomain> {
        who.must_manage()?;
        let change = change.map(|change| change.checked(&self.seal)).transpose()?;
        let act = self.act(who.actor());
        self.store
            .write(move |writer| {
                let mut domain: MailDomain = writer.find(id)?.ok_or(Error::NotFound)?;
                domain.relay = change.as_ref().map(|change| change.settle(domain.relay.take())).transpose()?;
                put(writer, act, &domain)
            })
            .await
    }

    /// Removes a domain that no channel is left of.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Conflict`] `domain_in_use`.
    pub async fn remove_domain(&self, who: &Who, id: DomainId) -> Result<()> {
        who.must_manage()?;
        let act = self.act(who.actor());
        let hostname = self.hostname.clone();
        self.store
            .write(move |writer| {
                let domain: MailDomain = writer.find(id)?.ok_or(Error::NotFound)?;
                if domain.name == hostname || !channels::of_domain(writer, &domain.name)?.is_empty() {
                    return Err(Error::conflict("domain_in_use", "addresses of this domain are in use"));
                }
                writer.delete::<MailDomain>(id)?;
                writer.change(act.at, act.actor, What::Domain(id))?;
                Ok(())
            })
            .await
    }

    /// The relay for mail from `domain`: its own, else the workspace's. None: it is sent directly.
    ///
    /// # Errors
    /// As [`Desk::relay`].
    pub fn relay_for(&self, rows: &impl Rows, domain: &str) -> Result<Option<Relay>> {
        if let Some(own) = by_name(rows, domain)?.and_then(|domain| domain.relay) {
            return Ok(Some(self.open_relay(own)?));
        }
        let (source, relay) = self.relay(rows)?;
        Ok(relay.filter(|_| source != RelaySource::None))
    }

    /// Signs a mail from an address of `domain`. One without keys is sent unsigned: it is no domain of ours any more.
    ///
    /// # Errors
    /// The store's own; [`Error::Conflict`] when the keys were sealed with another `secret.key`.
    pub fn sign(&self, rows: &impl Rows, domain: &str, mail: Vec<u8>) -> Result<Vec<u8>> {
        let Some(domain) = by_name(rows, domain)? else { return Ok(mail) };
        let signer = self.signer(&domain)?;
        signer.sign(&mail).map_err(|_| Error::conflict("dkim", "the mail could not be signed"))
    }

    fn signer(&self, domain: &MailDomain) -> Result<Arc<Signer>> {
        let selectors: Vec<String> = domain.signing().map(|key| key.selector.clone()).collect();
        let mut known = self.signers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((with, signer)) = known.get(&domain.id)
            && *with == selectors
        {
            return Ok(Arc::clone(signer));
        }
        let opened = domain.signing().map(|key| Ok((key, self.seal.open_bytes(&key.sealed)?)));
        let opened = opened.collect::<Result<Vec<_>>>()?;
        let keys = opened.iter().map(|(key, der)| (key.selector.as_str(), key.algorithm, der.as_slice()));
        let signer = Signer::new(&domain.name, keys).map_err(|_| Error::conflict("dkim", "a key cannot be used"))?;
        let signer = Arc::new(signer);
        known.insert(domain.id, (selectors, Arc::clone(&signer)));
        Ok(signer)
    }

    /// A new domain's keys.
    pub(super) async fn make_domain(&self, name: &str) -> Result<Made> {
        Ok(Made { name: String::from(name), keys: self.make_keys(&[]).await? })
    }

    async fn make_keys(&self, there: &[DkimKey]) -> Result<Vec<DkimKey>> {
        let failed = |_| Error::conflict("dkim", "a key could not be made");
        let made =
            tokio::task::spawn_blocking(|| DkimAlgorithm::ALL.map(|algorithm| (algorithm, dkim::generate(algorithm))));
        let now = self.clock.now();
        let mut keys = Vec::new();
        for (algorithm, made) in made.await.map_err(|_| crate::store::Error::Stopped)? {
            let (public, private) = made.map_err(failed)?;
            let sealed = self.seal.close_bytes(&private)?;
            let selector = selector(&self.clock, algorithm, there);
            keys.push(DkimKey { selector, algorithm, public, sealed, created_at: now, state: KeyState::Active });
        }
        Ok(keys)
    }
}

/// A selector that says when the key was made: `fd202611r`; with a number behind it in months of several.
fn selector(clock: &Clock, algorithm: DkimAlgorithm, there: &[DkimKey]) -> String {
    let letter = match algorithm {
        DkimAlgorithm::Rsa2048 => 'r',
        DkimAlgorithm::Ed25519 => 'e',
    };
    let base = format!("fd{}{letter}", month(clock.now()));
    let taken = |name: &String| there.iter().any(|key| key.selector == *name);
    let numbered = (2..).map(|number: u32| format!("{base}{number}"));
    std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base)
}

fn month(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
    moment.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y%m").to_string()
}

/// Adds a domain unless it is there.
pub(super) fn ensure(writer: &mut Writer<'_>, act: Act, made: &Made) -> Result<MailDomain> {
    if let Some(known) = by_name(writer, &made.name)? {
        return Ok(known);
    }
    if writer.all::<MailDomain>()?.len() >= MAX_DOMAINS {
        return Err(Error::conflict("too_many_domains", "no more domains can be added"));
    }
    let id = DomainId(writer.next_id::<MailDomain>()?);
    let (name, keys) = (made.name.clone(), made.keys.clone());
    put(writer, act, &MailDomain { id, name, created_at: act.at, keys, relay: None })
}

fn put(writer: &mut Writer<'_>, act: Act, domain: &MailDomain) -> Result<MailDomain> {
    writer.put(domain)?;
    writer.change(act.at, act.actor, What::Domain(domain.id))?;
    Ok(domain.clone())
}

/// The domain of that name, lower-case A-labels.
///
/// # Errors
/// The store's own.
pub fn by_name(rows: &impl Rows, name: &str) -> Result<Option<MailDomain>> {
    let id = rows.unique(Table::DomainByName, &Key::new().text(name))?;
    Ok(id.map(|id| rows.get(DomainId(id))).transpose()?)
}
