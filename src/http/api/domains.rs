//! The team's own domains: the DKIM records to publish, and how their mail leaves.

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};

use super::body::JsonBody;
use super::caller::Caller;
use super::failure::{broken, problem};
use super::settings::{RelayBody, RelayTls};
use crate::domain::mail_domain::{DkimKey, KeyState};
use crate::domain::workspace::RelaySettings;
use crate::domain::{DomainId, MailDomain};
use crate::store::Rows;

/// Whether a key signs.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "lowercase")]
enum DkimKeyState {
    /// It signs.
    Active,
    /// It will, once its record is published.
    Next,
    /// It signs no more.
    Retired,
}

/// A DKIM key and its DNS record.
#[derive(Object)]
struct DkimKeyView {
    /// The selector.
    selector: String,
    /// `rsa` or `ed25519`.
    algorithm: String,
    /// Whether it signs.
    state: DkimKeyState,
    /// When it was made.
    created_at: String,
    /// When it stopped signing; its record can go a week later.
    retired_at: Option<String>,
    /// The name of its TXT record.
    record_name: String,
    /// What the record says.
    record_value: String,
}

/// A domain's own relay.
#[derive(Object)]
struct DomainRelay {
    /// Host name.
    host: String,
    /// Port.
    port: u16,
    /// How the connection is secured.
    tls: RelayTls,
    /// Who signs in there.
    username: Option<String>,
    /// Whether a password is kept; it is never shown.
    has_password: bool,
}

/// A domain of the team's own.
#[derive(Object)]
struct DomainView {
    /// Id.
    id: u64,
    /// Its name, A-labels.
    name: String,
    /// Whether it is the installation's own host name.
    is_hostname: bool,
    /// Its DKIM keys, oldest first.
    keys: Vec<DkimKeyView>,
    /// Its own relay, if it has one.
    relay: Option<DomainRelay>,
}

/// All domains.
#[derive(Object)]
struct DomainList {
    /// In order of their names.
    items: Vec<DomainView>,
    /// The snapshot this was read at.
    change: u64,
}

/// A new domain.
#[derive(Object)]
struct NewDomain {
    /// Its name.
    #[oai(validator(max_length = 255))]
    name: String,
}

#[derive(ApiResponse)]
enum DomainAdded {
    /// There.
    #[oai(status = 201)]
    Created(Json<DomainView>),
}

#[derive(ApiResponse)]
enum DomainRemoved {
    /// Gone.
    #[oai(status = 204)]
    Done,
}

fn key(key: &DkimKey, domain: &str) -> DkimKeyView {
    let (state, retired_at) = match key.state {
        KeyState::Active => (DkimKeyState::Active, None),
        KeyState::Next => (DkimKeyState::Next, None),
        KeyState::Retired(at) => (DkimKeyState::Retired, Some(at.rfc3339())),
    };
    DkimKeyView {
        selector: key.selector.clone(),
        algorithm: String::from(key.algorithm.tag()),
        state,
        created_at: key.created_at.rfc3339(),
        retired_at,
        record_name: key.record_name(domain),
        record_value: key.record_value(),
    }
}

fn relay(relay: &RelaySettings) -> DomainRelay {
    DomainRelay {
        host: relay.host.clone(),
        port: relay.port,
        tls: relay.tls.into(),
        username: relay.username.clone(),
        has_password: relay.sealed_password.is_some(),
    }
}

fn view(caller: &Caller, domain: &MailDomain) -> DomainView {
    DomainView {
        id: domain.id.0,
        name: domain.name.clone(),
        is_hostname: domain.name == caller.desk().hostname,
        keys: domain.keys.iter().map(|one| key(one, &domain.name)).collect(),
        relay: domain.relay.as_ref().map(relay),
    }
}

pub(in crate::http) struct Domains;

#[OpenApi]
impl Domains {
    /// All domains, the installation's host name among them.
    #[oai(path = "/domains", method = "get", operation_id = "list_domains")]
    async fn list(&self, caller: Caller) -> poem::Result<Json<DomainList>> {
        caller.who().must_manage().map_err(problem)?;
        let rows = caller.rows()?;
        let mut domains = rows.all::<MailDomain>().map_err(broken)?;
        domains.sort_by(|a, b| a.name.cmp(&b.name));
        let items = domains.iter().map(|domain| view(&caller, domain)).collect();
        Ok(Json(DomainList { items, change: rows.last_change().map_err(broken)? }))
    }

    /// Adds a domain with DKIM keys; the one that is there when it is.
    #[oai(path = "/domains", method = "post", operation_id = "create_domain")]
    async fn create(&self, caller: Caller, body: JsonBody<NewDomain>) -> poem::Result<DomainAdded> {
        let domain = caller.desk().add_domain(caller.who(), &body.0.name).await.map_err(problem)?;
        Ok(DomainAdded::Created(Json(view(&caller, &domain))))
    }

    /// Makes new DKIM keys, which will sign once their records are published.
    #[oai(path = "/domains/:id/rotate", method = "post", operation_id = "rotate_domain_keys")]
    async fn rotate(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<DomainView>> {
        let domain = caller.desk().rotate_keys(caller.who(), DomainId(id.0)).await.map_err(problem)?;
        Ok(Json(view(&caller, &domain)))
    }

    /// Has the new keys sign: their records are published.
    #[oai(path = "/domains/:id/activate", method = "post", operation_id = "activate_domain_keys")]
    async fn activate(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<DomainView>> {
        caller.who().must_manage().map_err(problem)?;
        let done = caller.desk().activate_keys(caller.who().actor(), DomainId(id.0)).await;
        Ok(Json(view(&caller, &done.map_err(problem)?)))
    }

    /// Sets a relay for the mail of this domain alone.
    #[oai(path = "/domains/:id/relay", method = "put", operation_id = "set_domain_relay")]
    async fn set_relay(
        &self,
        caller: Caller,
        id: Path<u64>,
        body: JsonBody<RelayBody>,
    ) -> poem::Result<Json<DomainView>> {
        let set = caller.desk().set_domain_relay(caller.who(), DomainId(id.0), Some(body.0.into())).await;
        Ok(Json(view(&caller, &set.map_err(problem)?)))
    }

    /// Has the domain's mail leave as the workspace's does.
    #[oai(path = "/domains/:id/relay", method = "delete", operation_id = "delete_domain_relay")]
    async fn remove_relay(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<DomainView>> {
        let set = caller.desk().set_domain_relay(caller.who(), DomainId(id.0), None).await;
        Ok(Json(view(&caller, &set.map_err(problem)?)))
    }

    /// Removes a domain of which no channel is left.
    #[oai(path = "/domains/:id", method = "delete", operation_id = "delete_domain")]
    async fn remove(&self, caller: Caller, id: Path<u64>) -> poem::Result<DomainRemoved> {
        caller.desk().remove_domain(caller.who(), DomainId(id.0)).await.map_err(problem)?;
        Ok(DomainRemoved::Done)
    }
}
