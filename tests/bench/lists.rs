//! How long a list of 50 conversations takes, in the process and over HTTP, among 100,000 and ten times as many.

use std::sync::Arc;
use std::time::Instant;

use frontdesk::base::{Secret, Timestamp};
use frontdesk::desk::Desk;
use frontdesk::desk::views::{self, ListQuery};
use frontdesk::domain::contact::{Identity, IdentityKind};
use frontdesk::domain::conversation::Last;
use frontdesk::domain::{AgentId, Contact, ContactId, Conversation, ConversationId, InboxId, Kind, Place, State};
use frontdesk::store::{Error, Writer};
use futures_util::future::try_join_all;

use super::letters::{Dice, Words};
use super::program::{Program, open_desk, set_up};
use super::report::{self, Figure, Times};
use crate::support::Client;

const FEW: usize = 100_000;
const MANY: usize = 1_000_000;
/// Conversations made in one closure.
const SLICE: usize = 200;
/// Lists read of each kind.
const READS: usize = 300;

/// What agents look at most.
const LISTS: [&str; 5] =
    ["state=open", "state=open&assignee=me", "state=open&assignee=none", "state=closed", "inbox=1"];

fn row(number: u64, words: &Words, now: Timestamp) -> (Contact, Conversation) {
    let mut dice = Dice::new(number);
    let at = Timestamp(now.millis() - dice.below(300 * 86_400_000) as i64);
    let email = format!("person{number}@firm.example");
    let identity =
        Identity { kind: IdentityKind::Email, value: email.clone(), shown: email.clone(), verified_at: None };
    let mut text = |count: u64| (0..count).map(|_| words.rank(dice.below(3000) as usize)).collect::<Vec<_>>().join(" ");
    let (name, subject, preview) = (text(2), text(6), text(20));
    let contact = Contact {
        id: ContactId(number),
        name: Some(name.clone()),
        named_by_agent: false,
        identities: vec![identity],
        created_at: at,
    };
    let state = if dice.below(10) == 0 { State::Open } else { State::Closed };
    let conversation = Conversation {
        id: ConversationId(number),
        inbox: InboxId(1),
        channel: None,
        contact: ContactId(number),
        identity: email.clone(),
        subject,
        state,
        place: Place::Inbox,
        place_reason: None,
        placed_at: at,
        assignee: (dice.below(3) == 0).then_some(AgentId(1)),
        tags: Vec::new(),
        snoozed_until: None,
        created_at: at,
        last_activity_at: at,
        last_sent_at: None,
        message_count: 1,
        last: Some(Last { kind: Kind::Inbound, author: name, preview }),
        has_attachments: false,
        trouble: None,
        token: format!("{:026x}", dice.next()),
        related: Vec::new(),
        participants: vec![email],
        news_seq: number,
        read_to: 0,
        talk_change: 0,
    };
    (contact, conversation)
}

async fn fill(desk: &Arc<Desk>, count: usize) {
    let words = Arc::new(Words::new());
    let now = desk.clock.now();
    let slices: Vec<usize> = (0..count).step_by(SLICE).collect();
    for some in slices.chunks(64) {
        let writes = some.iter().map(|from| {
            let (from, words) = (*from, Arc::clone(&words));
            desk.store.write(move |writer: &mut Writer<'_>| -> Result<(), Error> {
                for number in from..(from + SLICE).min(count) {
                    let (mut contact, mut conversation) = row(number as u64 + 1, &words, now);
                    contact.id = ContactId(writer.next_id::<Contact>()?);
                    conversation.id = ConversationId(writer.next_id::<Conversation>()?);
                    conversation.contact = contact.id;
                    writer.put(&contact)?;
                    writer.put(&conversation)?;
                }
                Ok(())
            })
        });
        try_join_all(writes).await.unwrap();
    }
}

fn query(list: &str, me: AgentId) -> ListQuery {
    let mut query = ListQuery::default();
    for pair in list.split('&') {
        match pair {
            "state=open" => query.state = Some(State::Open),
            "state=closed" => query.state = Some(State::Closed),
            "assignee=me" => query.assignee = Some(Some(me)),
            "assignee=none" => query.assignee = Some(None),
            "inbox=1" => query.inbox = Some(InboxId(1)),
            other => panic!("{other}"),
        }
    }
    query
}

fn in_process(desk: &Desk, token: &str) -> Times {
    let who = desk.who(&desk.store.read().unwrap(), &Secret::new(token)).unwrap();
    let mut times = Times::default();
    for round in 0..READS + 10 {
        for list in LISTS {
            let query = query(list, who.agent.id);
            let start = Instant::now();
            let rows = desk.store.read().unwrap();
            let page = views::list(&rows, &who.scope, &query, None, 50).unwrap();
            let took = start.elapsed();
            assert_eq!(page.items.len(), 50);
            if round >= 10 {
                times.add(took);
            }
        }
    }
    times
}

async fn over_http(client: &Client) -> Times {
    let mut times = Times::default();
    for round in 0..READS + 10 {
        for list in LISTS {
            let path = format!("/conversations?limit=50&{list}");
            let start = Instant::now();
            let answer = client.get(&path).await;
            let took = start.elapsed();
            assert_eq!(answer.status, 200);
            if round >= 10 {
                times.add(took);
            }
        }
    }
    times
}

/// Times in the process and over HTTP.
fn measure(count: usize) -> (Times, Times) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let desk = open_desk(dir.path(), 1 << 30);
    let start = Instant::now();
    let token = runtime.block_on(async {
        let token = set_up(&desk).await;
        fill(&desk, count).await;
        token
    });
    let took = start.elapsed().as_secs_f64();
    report::note("bench_lists", format!("filling with {count} rows"), format!("{took:.0} s"));
    desk.store.close();
    drop(desk);
    // Again with the cache a server has.
    let desk = open_desk(dir.path(), 24 << 20);
    let inside = in_process(&desk, &token);
    desk.store.close();
    drop(desk);
    let program = Program::serve(dir.path());
    let client = Client::new(program.http).with_token(&token);
    let outside = runtime.block_on(over_http(&client));
    program.stop();
    (inside, outside)
}

#[test]
#[ignore = "a bench"]
fn bench_lists() {
    let _turn = report::alone();
    let few = measure(FEW);
    let many = measure(MANY);
    for (what, few, many) in [("in the process", &few.0, &many.0), ("GET /conversations", &few.1, &many.1)] {
        Figure {
            bench: "bench_lists",
            what: format!("{what}, {FEW}"),
            ours: few.words(),
            against: String::new(),
            bar: "p99 5 ms",
            met: Some(few.at(0.99) <= 5.0),
        }
        .print();
        let ratio = many.at(0.99) / few.at(0.99);
        Figure {
            bench: "bench_lists",
            what: format!("{what}, {MANY}"),
            ours: format!("{}, {ratio:.2} times", many.words()),
            against: format!("p99 {:.2} ms at {FEW}", few.at(0.99)),
            bar: "p99 1.5 times as long",
            met: Some(ratio <= 1.5),
        }
        .print();
    }
}
