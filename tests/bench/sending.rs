//! How fast a full queue goes out, beside Postfix's own generator on the same sink.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use frontdesk::desk::Desk;
use frontdesk::desk::replies::{NewConversation, NewMessage};
use frontdesk::domain::draft::DraftKind;
use frontdesk::domain::{Inbox, InboxId, Person};
use frontdesk::store::{Direction, Entity, Key, Rows};
use futures_util::future::try_join_all;

use super::program::{Program, open_desk, set_up, wait};
use super::report::{self, Figure, median, rates};

/// Mails that wait.
const MAILS: usize = 10_000;
/// Replies written at once while the queue is filled.
const AT_ONCE: usize = 100;
/// Connections to one server: what the program opens to one relay.
const CONNECTIONS: usize = 20;
/// Rounds; the median counts.
const ROUNDS: usize = 3;

/// Postfix's `smtp-sink`, which takes everything and keeps nothing.
struct Sink(Child, SocketAddr);

impl Sink {
    fn start() -> Sink {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new("/usr/sbin/smtp-sink").args(["-u", "postfix", &address.to_string(), "1000"]).spawn();
        let sink = Sink(child.expect("Debian's package postfix is needed"), address);
        wait("the sink listens", || TcpStream::connect(address).is_ok());
        sink
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Mails a second of `smtp-source`, on connections of their own or on connections used again.
fn smtp_source(to: SocketAddr, reuse: bool) -> f64 {
    let start = Instant::now();
    let mut command = Command::new("/usr/sbin/smtp-source");
    command.args(["-s", &CONNECTIONS.to_string(), "-l", "5120", "-m", &MAILS.to_string()]);
    command.args(["-f", "bench@load.example", "-t", "hello@desk.example"]);
    if reuse {
        command.arg("-d");
    }
    assert!(command.arg(to.to_string()).status().unwrap().success());
    MAILS as f64 / start.elapsed().as_secs_f64()
}

/// Writes `MAILS` mails of about 5 KB, each to somebody else, while nothing sends.
async fn fill(dir: &Path) {
    let desk = open_desk(dir, 64 << 20);
    let token = set_up(&desk).await;
    let (who, inbox) = {
        let rows = desk.store.read().unwrap();
        let inbox = rows.ids(Inbox::TABLE, &Key::new(), None, Direction::Forward, 1).unwrap()[0];
        (desk.who(&rows, &frontdesk::base::Secret::new(&token)).unwrap(), inbox)
    };
    let text = "The tent that you ordered is with the carrier and comes on Thursday.\n".repeat(70);
    let new = |at: usize| NewConversation {
        inbox: InboxId(inbox),
        subject: format!("Order {at}"),
        message: NewMessage {
            client_id: format!("mail-{at}"),
            kind: DraftKind::Reply,
            to: Some(vec![Person { name: None, email: format!("person{at}@firm{}.example", at % 500) }]),
            cc: Vec::new(),
            bcc: Vec::new(),
            html: None,
            text: Some(text.clone()),
            attachments: Vec::new(),
            last_seen_change: None,
            and_close: false,
            plain: false,
            send_at: None,
            forward: None,
            channel: None,
        },
    };
    for first in (0..MAILS).step_by(AT_ONCE) {
        try_join_all((first..first + AT_ONCE).map(|at| desk.begin_conversation(&who, new(at)))).await.unwrap();
    }
    close(desk);
}

fn close(desk: std::sync::Arc<Desk>) {
    desk.store.close();
}

#[test]
#[ignore = "a bench"]
fn bench_sending() {
    let _turn = report::alone();
    let sink = Sink::start();
    let (host, port) = (sink.1.ip().to_string(), sink.1.port().to_string());
    let settings = [
        ("FRONTDESK_RELAY__HOST", host.as_str()),
        ("FRONTDESK_RELAY__PORT", port.as_str()),
        ("FRONTDESK_RELAY__TLS", "none"),
    ];
    let (mut ours, mut theirs) = (Vec::new(), [const { Vec::new() }; 2]);
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir().unwrap();
        let start = Instant::now();
        tokio::runtime::Runtime::new().unwrap().block_on(fill(dir.path()));
        let filling = start.elapsed().as_secs_f64();
        report::note("bench_sending", "writing the mails", format!("{:.0}/s", MAILS as f64 / filling));
        // The last of them can be undone for ten seconds.
        std::thread::sleep(Duration::from_secs(11));
        let start = Instant::now();
        let program = Program::serve_with(dir.path(), &settings);
        program.sent();
        ours.push(MAILS as f64 / start.elapsed().as_secs_f64());
        let used = program.processor_seconds() * 1e6 / MAILS as f64;
        report::note("bench_sending", "processor", format!("{used:.0} us a mail"));
        program.stop();
        for (all, reuse) in theirs.iter_mut().zip([false, true]) {
            all.push(smtp_source(sink.1, reuse));
        }
    }
    for (at, what) in ["a new connection each", "connections used again"].into_iter().enumerate() {
        let ratio = median(&ours) / median(&theirs[at]);
        Figure {
            bench: "bench_sending",
            what: format!("{MAILS} queued, 5 KB, {CONNECTIONS} connections"),
            ours: format!("{}, {:.0} %", rates(&ours), ratio * 100.0),
            against: format!("smtp-source, {what}, {}", rates(&theirs[at])),
            bar: "half of smtp-source",
            met: Some(ratio >= 0.5),
        }
        .print();
    }
}
