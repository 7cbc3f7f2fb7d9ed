//! `frontdesk doctor`: what the domain name system says about each domain, beside a running server or without one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use super::check::open;
use crate::app;
use crate::base::Clock;
use crate::channels::email::doctor::{Finding, Patient, Verdict, examine};
use crate::config::Config;
use crate::desk::{Desk, channels};
use crate::domain::channel::WayIn;
use crate::domain::{Channel, MailDomain};
use crate::net::{Guard, Resolver, dial};
use crate::store::{Reader, Rows};

/// The sentences of the page, which are these.
const WORDS: &str = include_str!("../../web/catalogues/en/settings.json");
/// How long the server's own port may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs it; the exit code says whether anything is missing or wrong.
pub(super) async fn run(config: &Config, as_json: bool) -> anyhow::Result<ExitCode> {
    app::prepare_process();
    let store = open(config)?;
    let desk = app::build_desk(config, store, Clock::System)?;
    let resolver = Resolver::new(&config.dns.servers);
    let words: BTreeMap<String, serde_json::Value> = serde_json::from_str(WORDS).context("the catalogue is broken")?;
    let rows = desk.store.read()?;
    let mut well = true;
    let mut report = Vec::new();
    for domain in rows.all::<MailDomain>()? {
        let patient = patient(&desk, &rows, domain)?;
        let name = patient.domain.name.clone();
        let findings = examine(&resolver, &patient).await;
        well &= findings.iter().all(|one| !matches!(one.verdict, Verdict::Missing | Verdict::Change));
        if as_json {
            report.push(json!({ "domain": name, "items": findings.iter().map(to_json).collect::<Vec<_>>() }));
        } else {
            println!("{name}");
            findings.iter().for_each(|one| tell(one, &words));
        }
    }
    let receiver = app::receiver_of(&config.data_dir).unwrap_or(config.smtp.listen);
    let port = answers(receiver).await;
    well &= port;
    if as_json {
        let answer = json!({ "domains": report, "receiver_answers": port });
        println!("{answer:#}");
    } else {
        let verdict = if port { "answers" } else { "does not answer: is the server running?" };
        println!("The receiver of mail at {receiver} {verdict}");
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn patient(desk: &Desk, rows: &Reader, domain: MailDomain) -> anyhow::Result<Patient> {
    let mut takes_mail = domain.name == desk.hostname;
    for id in channels::of_domain(rows, &domain.name)? {
        takes_mail |= rows.get::<Channel>(id)?.email().way_in == WayIn::Mx;
    }
    let relay = desk.relay_for(rows, &domain.name)?;
    Ok(Patient { hostname: desk.hostname.clone(), domain, takes_mail, relay })
}

/// Whether our own receiver greets at the address it listens on.
async fn answers(listen: SocketAddr) -> bool {
    let ip = if listen.ip().is_unspecified() { String::from("127.0.0.1") } else { listen.ip().to_string() };
    let Ok(socket) = dial(&ip, listen.port(), PATIENCE, Guard::Anywhere).await else { return false };
    let mut greeting = [0; 4];
    let read = async {
        socket.readable().await?;
        socket.try_read(&mut greeting)
    };
    let read = tokio::time::timeout(PATIENCE, read).await;
    matches!(read, Ok(Ok(4))) && greeting.starts_with(b"220")
}

fn to_json(one: &Finding) -> serde_json::Value {
    json!({
        "check": one.check.name(),
        "verdict": one.verdict.name(),
        "code": one.code,
        "args": one.args,
        "kind": one.kind,
        "name": one.name,
        "record": one.record,
    })
}

fn tell(one: &Finding, words: &BTreeMap<String, serde_json::Value>) {
    let word = |key: String| words.get(&key).and_then(|word| word.as_str()).map(String::from);
    let mut sentence = word(format!("settings.dns.{}", one.code)).unwrap_or_else(|| String::from(one.code));
    for (name, value) in &one.args {
        sentence = sentence.replace(&format!("{{{name}}}"), value);
    }
    if one.verdict == Verdict::Missing {
        sentence = [Some(sentence), word(format!("settings.dns.why.{}", one.check.name()))]
            .map(Option::unwrap_or_default)
            .join(" ");
    }
    let verdict = word(format!("settings.dns.{}", one.verdict.name())).unwrap_or_default();
    let check = word(format!("settings.dns.{}", one.check.name())).unwrap_or_default();
    println!("  {verdict:<10}  {check}: {sentence}");
    if let Some(record) = one.record.as_ref().filter(|_| one.verdict != Verdict::Passes) {
        println!("              add  {} {} {record}", one.name, one.kind);
    }
}
