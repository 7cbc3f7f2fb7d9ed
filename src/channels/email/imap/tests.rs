//! A server that does not mean well: whatever it says, the session ends in time, and holds no more than its bounds.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::fault::Fault;
use super::open::Timeouts;
use super::session::{Opened, Session};

const SHORT: Timeouts = Timeouts {
    connect: Duration::from_secs(1),
    line: Duration::from_millis(200),
    command: Duration::from_secs(2),
    mail: Duration::from_secs(2),
};

/// A session with a server that says `greeting`, and then `answer` to the first command, `times` over.
fn with(greeting: &'static [u8], answer: Vec<u8>, times: usize) -> Session<DuplexStream> {
    let (ours, mut theirs) = duplex(4096);
    #[expect(clippy::disallowed_methods, reason = "it ends with its test")]
    tokio::spawn(async move {
        let mut heard = [0; 512];
        if theirs.write_all(greeting).await.is_err() || !matches!(theirs.read(&mut heard).await, Ok(1..)) {
            return;
        }
        for _ in 0..times {
            if theirs.write_all(&answer).await.is_err() {
                return;
            }
        }
        // It stays, and says nothing.
        std::future::pending::<()>().await;
    });
    Session::new(ours, SHORT)
}

async fn asked(answer: impl Into<Vec<u8>>, times: usize) -> Result<(), Fault> {
    with(b"", answer.into(), times).command("NOOP").await.map(drop)
}

async fn fetched(answer: impl Into<Vec<u8>>, times: usize) -> (Result<bool, Fault>, usize) {
    let (mut session, mut held) = (with(b"", answer.into(), times), 0);
    let mut sink = |piece: &[u8]| {
        held += piece.len();
        Ok(())
    };
    let found = session.fetch(7, 1 << 20, &mut sink).await;
    (found, held)
}

#[tokio::test]
async fn what_nobody_could_mean_ends_the_session() {
    assert!(matches!(asked(vec![b'x'; 4096], 1 << 20).await, Err(Fault::Protocol(_))), "a line without an end");
    assert!(matches!(asked(b"* LIST () \"/\" {4294967296}\r\n".to_vec(), 1).await, Err(Fault::Protocol(_))));
    assert!(matches!(asked(b"* LIST () \"/\" {60000}\r\n".to_vec(), 1).await, Err(Fault::Silent)));
    assert!(matches!(asked(b"\x00\xff\xfe garbage\r\n".to_vec(), 1).await, Err(Fault::Protocol(_))));
    assert!(matches!(asked(b"a9 OK for somebody else\r\n".to_vec(), 1).await, Err(Fault::Protocol(_))));
    assert!(matches!(asked(b"* 5 EXISTS\r\n".to_vec(), 1).await, Err(Fault::Silent)));
    assert!(matches!(asked(b"".to_vec(), 0).await, Err(Fault::Silent)));
    assert!(matches!(asked(b"a1 BAD what?\r\n".to_vec(), 1).await, Err(Fault::Refused(words)) if words == "what?"));
    assert!(asked(b"* 5 EXISTS\r\na1 OK done\r\n".to_vec(), 1).await.is_ok());
    let greeted = with(b"* BYE too busy\r\n", Vec::new(), 0).greeting().await;
    assert!(matches!(greeted, Err(Fault::Closed(words)) if words == "too busy"));
    assert!(matches!(with(b"SSH-2.0-x\r\n", Vec::new(), 0).greeting().await, Err(Fault::Protocol(_))));
}

#[tokio::test]
async fn answers_without_an_end_are_cut_off() {
    let (ours, mut theirs) = duplex(4096);
    #[expect(clippy::disallowed_methods, reason = "it ends with its test")]
    tokio::spawn(async move { while theirs.write_all(b"* 1 FETCH (UID 1)\r\n").await.is_ok() {} });
    let mut session = Session::new(ours, SHORT);
    let mut seen = 0_u64;
    assert!(matches!(session.list("1:*", |_| seen += 1).await, Err(Fault::Silent)));
    assert!(seen > 0);
}

#[tokio::test]
async fn a_mail_is_bounded_and_the_one_that_was_asked_for() {
    let (found, held) = fetched(b"* 1 FETCH (UID 7 BODY[] {4294967296}\r\n".to_vec(), 1).await;
    assert!(matches!(found, Err(Fault::TooLarge(4_294_967_296))) && held == 0);
    let (found, held) = fetched(b"* 1 FETCH (UID 7 BODY[] {100000}\r\nonly this".to_vec(), 1).await;
    assert!(matches!(found, Err(Fault::Silent)) && held == 9);
    let whole = b"* 1 FETCH (UID 7 BODY[] {5}\r\nhello)\r\n";
    let (found, held) = fetched([&whole[..], b"a1 OK done\r\n"].concat(), 1).await;
    assert!(matches!(found, Ok(true)) && held == 5);
    let behind = b"* 1 FETCH (BODY[] {5}\r\nhello UID 7)\r\n* 1 FETCH (FLAGS (\\Seen))\r\na1 OK done\r\n";
    assert!(matches!(fetched(behind.to_vec(), 1).await, (Ok(true), 5)));
    assert!(matches!(fetched(b"* 1 FETCH (UID 7 BODY[] \"hi\")\r\na1 OK\r\n".to_vec(), 1).await, (Ok(true), 2)));
    assert!(matches!(fetched(b"a1 OK gone\r\n".to_vec(), 1).await, (Ok(false), 0)));
    let twice = fetched([&whole[..], whole, b"a1 OK done\r\n"].concat(), 1).await;
    assert!(matches!(twice, (Err(Fault::Protocol(_)), 5)));
    let other = b"* 1 FETCH (UID 8 BODY[] {5}\r\nhello)\r\na1 OK done\r\n";
    assert!(matches!(fetched(other.to_vec(), 1).await, (Err(Fault::Protocol(_)), 5)));
}

#[tokio::test]
async fn a_folder_needs_lasting_numbers() {
    let told = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 17] x\r\n* OK [UIDNEXT 9] x\r\na1 OK [READ-ONLY] done\r\n";
    let opened = with(b"", told.to_vec(), 1).enter("INBOX", true).await;
    assert_eq!(opened.unwrap(), Opened { validity: 17, next: 9 });
    let none = with(b"", b"* 3 EXISTS\r\na1 OK done\r\n".to_vec(), 1).enter("INBOX", true).await;
    assert!(matches!(none, Err(Fault::Protocol(_))));
    let missing = with(b"", b"a1 NO no such folder\r\n".to_vec(), 1).enter("Ghost", true).await;
    assert!(matches!(missing, Err(Fault::FolderMissing(name, _)) if name == "Ghost"));
}

#[tokio::test]
async fn waiting_ends_when_something_comes_or_the_time_is_up() {
    let came = b"+ idling\r\n* 4 EXISTS\r\na1 OK done\r\n".to_vec();
    with(b"", came, 1).idle(Duration::from_secs(60)).await.unwrap();
    let quiet = with(b"", b"+ idling\r\n".to_vec(), 1).idle(Duration::from_millis(50)).await;
    assert!(matches!(quiet, Err(Fault::Silent)), "who does not answer DONE is gone");
    let busy = with(b"", b"+ idling\r\n* BYE shutting down\r\n".to_vec(), 1).idle(Duration::from_secs(60)).await;
    assert!(matches!(busy, Err(Fault::Closed(words)) if words == "shutting down"));
}
