//! What the size of the file of rows costs: each commit also writes redb's allocator state, which grows with it.

use std::path::Path;

use frontdesk::base::Timestamp;
use frontdesk::domain::draft::{Draft, DraftKind};
use frontdesk::domain::{AgentId, ConversationId, DraftId};
use frontdesk::store::{Store, Writer};

use super::letters::Letters;
use super::load::Session;
use super::program::{Program, fresh, open_desk};
use super::report::{self, Times};

/// Sizes measured, GB; `BENCH_GIGABYTES=1,10,30` names others.
const SIZES: &str = "1,10";
/// Bytes of a row that makes the file grow: what it holds does not matter, how many pages it has does.
const ROW: usize = 1 << 20;
/// Mails sent at each size, one after another.
const MAILS: usize = 400;
const ROUNDS: usize = 3;

async fn grow(store: &Store, file: &Path, bytes: u64) {
    let row = |number: u64| Draft {
        id: DraftId(number),
        author: AgentId(1),
        conversation: Some(ConversationId(number)),
        kind: DraftKind::Comment,
        revision: 1,
        to: None,
        cc: None,
        bcc: None,
        html: None,
        text: Some("x".repeat(ROW)),
        attachments: Vec::new(),
        forward: None,
        updated_at: Timestamp(0),
    };
    while std::fs::metadata(file).unwrap().len() < bytes {
        let some = move |writer: &mut Writer<'_>| {
            (0..32).try_for_each(|_| writer.next_id::<Draft>().and_then(|number| writer.put(&row(number))))
        };
        store.write(some).await.unwrap();
    }
}

#[test]
#[ignore = "a bench"]
fn bench_size() {
    let _turn = report::alone();
    let sizes = std::env::var("BENCH_GIGABYTES").unwrap_or_else(|_| SIZES.into());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (dir, _) = runtime.block_on(fresh());
    for gigabytes in sizes.split(',').map(|size| size.parse::<u64>().unwrap()) {
        let desk = open_desk(dir.path(), 64 << 20);
        runtime.block_on(grow(&desk.store, &dir.path().join("frontdesk.redb"), gigabytes << 30));
        desk.store.close();
        drop(desk);
        let mut program = Program::serve(dir.path());
        let mut session = Session::open(program.smtp);
        let (mut letters, mut times) = (Letters::new(gigabytes), Times::default());
        for _ in 0..MAILS {
            let letter = letters.five_kb();
            times.add(session.send(&letter.from, &letter.bytes));
        }
        drop(session);
        program.filed();
        let said = format!("median {:.2} ms, p99 {:.2} ms", times.at(0.5), times.at(0.99));
        report::note("bench_size", format!("{gigabytes} GB of rows, last byte to 250"), said);
        let mut starts = Vec::new();
        for _ in 0..ROUNDS {
            program.kill();
            program = Program::serve(dir.path());
            starts.push(program.started_in.as_secs_f64());
        }
        program.stop();
        let said = format!("{:.0} ms", report::median(&starts) * 1e3);
        report::note("bench_size", format!("{gigabytes} GB of rows, start after kill -9"), said);
    }
}
