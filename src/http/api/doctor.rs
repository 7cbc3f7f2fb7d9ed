//! The delivery doctor: what the domain name system says about a domain, and the exact record to add.

use std::collections::HashMap;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::caller::Caller;
use super::failure::{broken, problem};
use crate::channels::email::doctor::Finding;
use crate::desk::{Error, channels};
use crate::domain::channel::WayIn;
use crate::domain::{Channel, DomainId, MailDomain};
use crate::store::Rows;

/// One thing that was looked at.
#[derive(Object)]
struct FindingView {
    /// `host`, `reverse_name`, `mx`, `spf`, `dkim` or `dmarc`.
    check: String,
    /// `passes`, `missing`, `change`, `not_needed` or `unknown`.
    verdict: String,
    /// Code of the sentence about it.
    code: String,
    /// What the sentence needs.
    args: HashMap<String, String>,
    /// The kind of record.
    kind: String,
    /// The record's name.
    name: String,
    /// What it should say, where that is known.
    record: Option<String>,
}

/// What was found about a domain.
#[derive(Object)]
struct Examination {
    /// In the order in which people set a domain up.
    items: Vec<FindingView>,
    /// Whether keys that waited for their records sign from now on.
    activated: bool,
}

impl From<Finding> for FindingView {
    fn from(found: Finding) -> FindingView {
        FindingView {
            check: String::from(found.check.name()),
            verdict: String::from(found.verdict.name()),
            code: String::from(found.code),
            args: found.args.into_iter().map(|(name, value)| (String::from(name), value)).collect(),
            kind: String::from(found.kind),
            name: found.name,
            record: found.record,
        }
    }
}

pub(in crate::http) struct Doctor;

#[OpenApi]
impl Doctor {
    /// Asks the domain name system about a domain. Keys that wait sign from now on when their records are there.
    #[oai(path = "/domains/:id/check", method = "post", operation_id = "check_domain")]
    async fn check(&self, caller: Caller, id: Path<u64>) -> poem::Result<Json<Examination>> {
        caller.who().must_manage().map_err(problem)?;
        let (domain, takes_mail) = {
            let rows = caller.rows()?;
            let domain: Option<MailDomain> = rows.find(DomainId(id.0)).map_err(broken)?;
            let domain = domain.ok_or_else(|| problem(Error::NotFound))?;
            let takes_mail = takes_mail(&caller, &rows, &domain)?;
            (domain, takes_mail)
        };
        let relay = caller.desk().relay_for(&caller.rows()?, &domain.name).map_err(problem)?;
        let examined = (caller.state().examine)(domain.clone(), takes_mail, relay).await;
        if examined.next_keys_published {
            let done = caller.desk().activate_keys(caller.who().actor(), domain.id).await;
            done.map_err(problem)?;
        }
        let items = examined.findings.into_iter().map(FindingView::from).collect();
        Ok(Json(Examination { items, activated: examined.next_keys_published }))
    }
}

/// Whether mail to a domain is to come here by its MX record.
fn takes_mail(caller: &Caller, rows: &impl Rows, domain: &MailDomain) -> poem::Result<bool> {
    if domain.name == caller.desk().hostname {
        return Ok(true);
    }
    for id in channels::of_domain(rows, &domain.name).map_err(problem)? {
        let channel: Channel = rows.get(id).map_err(broken)?;
        if channel.email().way_in == WayIn::Mx {
            return Ok(true);
        }
    }
    Ok(false)
}
