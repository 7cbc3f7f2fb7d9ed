//! What verifying senders costs: the same signed mails, taken by a program that verifies none of them and by ours.

use frontdesk::domain::mail_domain::DkimAlgorithm;

use super::letters::{Letter, Letters};
use super::load::send_all;
use super::program::{Program, fresh};
use super::report::{self, Figure, median, rates};
use crate::support::Dns;
use crate::support::signed::SigningDomain;

/// Mails of one run.
const MAILS: usize = 5000;
/// Sessions at once.
const SESSIONS: usize = 50;
/// Domains that send them.
const DOMAINS: usize = 40;
/// Rounds; the median counts.
const ROUNDS: usize = 3;

/// Domains with SPF, DKIM and DMARC.
fn domains(dns: &Dns) -> Vec<(String, SigningDomain)> {
    let publish = |at| {
        let domain = format!("firm{at}.example");
        dns.txt(&domain, "v=spf1 ip4:127.0.0.1 -all").txt(&format!("_dmarc.{domain}"), "v=DMARC1; p=reject");
        let key = SigningDomain::publish(dns, &domain, DkimAlgorithm::Rsa2048);
        (domain, key)
    };
    (0..DOMAINS).map(publish).collect()
}

/// Signed letters of 5 KB, a batch for each session.
fn signed(domains: &[(String, SigningDomain)], seed: u64) -> Vec<Vec<Letter>> {
    let batch = |session: usize| {
        let mut letters = Letters::new(seed * 1000 + session as u64 + 1);
        let one = |at: usize| {
            let (domain, key) = &domains[(session + at) % DOMAINS];
            let letter = letters.five_kb();
            let from = format!("{}@{domain}", letter.from.split('@').next().unwrap());
            let mail = String::from_utf8(letter.bytes).unwrap().replace(&letter.from, &from);
            Letter { bytes: key.sign(&mail).into_bytes(), from }
        };
        (0..MAILS / SESSIONS).map(one).collect()
    };
    std::thread::scope(|scope| {
        let batches: Vec<_> = (0..SESSIONS).map(|session| scope.spawn(move || batch(session))).collect();
        batches.into_iter().map(|batch| batch.join().unwrap()).collect()
    })
}

#[test]
#[ignore = "a bench"]
fn bench_verifying() {
    let _turn = report::alone();
    let Ok(before) = std::env::var("BENCH_BEFORE") else {
        println!("bench_verifying needs BENCH_BEFORE, a binary that verifies no senders");
        return;
    };
    let dns = Dns::start();
    dns.ptr("127.0.0.1", "mx.load.example").address_of("mx.load.example", "127.0.0.1");
    let asked = dns.address.to_string();
    let domains = domains(&dns);
    let (mut ours, mut theirs) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    for round in 0..ROUNDS {
        let batches = signed(&domains, round as u64 + 1);
        let verifying = [("FRONTDESK_DNS__SERVERS", asked.as_str())];
        for (settings, rates) in [(&verifying[..], &mut ours), (&[("BENCH_BINARY", before.as_str())][..], &mut theirs)]
        {
            let (dir, _) = tokio::runtime::Runtime::new().unwrap().block_on(fresh());
            let program = Program::serve_with(dir.path(), settings);
            let start = std::time::Instant::now();
            rates[0].push(send_all(program.smtp, &batches));
            program.filed();
            rates[1].push(MAILS as f64 / start.elapsed().as_secs_f64());
            program.stop();
        }
    }
    for (at, what) in ["taken", "taken and filed"].into_iter().enumerate() {
        let share = median(&ours[at]) / median(&theirs[at]);
        Figure {
            bench: "bench_verifying",
            what: format!("{SESSIONS} sessions, 5 KB signed, {what}"),
            ours: format!("{}, {:.0} %", rates(&ours[at]), share * 100.0),
            against: format!("without {}", rates(&theirs[at])),
            bar: "80 % of without",
            met: (at == 0).then_some(share >= 0.8),
        }
        .print();
    }
}
