//! Importing mailboxes with the program's own command: beside a running server and without one, killed, again, and
//! from files that mean no good.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::api::encoded;
use crate::support::process::{self, Process};
use crate::support::{Client, PATIENCE};

/// An installation with an owner, and a place for mailboxes.
fn installation() -> (TempDir, TempDir) {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    process::add_owner(data.path());
    (data, files)
}

/// The command, begun in the directory of the mailboxes.
fn command(data: &Path, files: &Path, arguments: &str) -> Command {
    let mut command = process::frontdesk(data);
    command.current_dir(files).arg("import").args(arguments.split_whitespace());
    command
}

fn import(data: &Path, files: &Path, arguments: &str) -> Output {
    process::start(&mut command(data, files, arguments)).unwrap().wait_with_output().unwrap()
}

/// What it printed, if it went well.
#[track_caller]
fn imported(data: &Path, files: &Path, arguments: &str) -> String {
    let output = import(data, files, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it says of an import that does not go well.
#[track_caller]
fn refused(data: &Path, files: &Path, arguments: &str) -> String {
    let output = import(data, files, arguments);
    assert!(!output.status.success(), "{arguments}");
    String::from_utf8(output.stderr).unwrap()
}

/// The reasons in the list of what could not be imported.
fn reasons(files: &Path, name: &str) -> Vec<Value> {
    let list = std::fs::read_to_string(files.join(format!("{name}.import-errors.jsonl"))).unwrap();
    list.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn owner(server: &Process) -> Client {
    let mut client = Client::new(server.http);
    client.sign_in("ewa@desk.example", crate::support::PASSWORD).await.expect(201);
    client
}

async fn list(client: &Client, view: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/conversations?view={view}&limit=200{cursor}")).await.expect(200);
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encoded(next)),
            None => return all,
        }
    }
}

/// The thread's messages: kind, date, who delivered or wrote, text's first line.
async fn thread(client: &Client, conversation: &Value) -> Vec<(String, String, String)> {
    let page = client.get(&format!("/conversations/{}/messages", conversation["id"])).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let messages = page["items"].as_array().unwrap().iter().filter(|message| message["kind"] != "event");
    messages.map(|it| (text(&it["kind"]), text(&it["at"]), text(&it["subject"]))).collect()
}

/// One mail of an mbox.
fn entry(from: &str, to: &str, subject: &str, date: &str, more: &str) -> String {
    format!(
        "From x@y Thu Nov 23 06:12:31 2023\nFrom: {from}\nTo: {to}\nSubject: {subject}\nDate: {date}\n{more}\n\
         The words of {subject}.\n>From the sea.\n\n"
    )
}

const ALICE: &str = "Alice <alice@far.example>";
const OLD: &str = "Support <support@old.example>";

/// Three mails of a thread, the reply and its answer in the file before the mail they answer, and one alone.
fn archive() -> String {
    let id = |id: &str, refs: &str| format!("Message-ID: <{id}@x>\nIn-Reply-To: {refs}\nStatus: RO\n");
    entry(ALICE, OLD, "Re: Tents", "Wed, 05 Jan 2011 10:00:00 +0100", &id("c", "<b@x>"))
        + &entry(OLD, ALICE, "Re: Tents", "Tue, 04 Jan 2011 10:00:00 +0100", &id("b", "<a@x>"))
        + &entry(ALICE, OLD, "Tents", "Mon, 03 Jan 2011 10:00:00 +0100", "Message-ID: <a@x>\nStatus: RO\n")
        + &entry("Bob <bob@far.example>", OLD, "Poles", "Mon, 01 Jan 1980 10:00:00 +0100", "Status: O\n")
        + &entry("Bob <bob@far.example>", OLD, "Gone", "Mon, 03 Jan 2011 10:00:00 +0100", "X-Status: D\n")
}

#[tokio::test]
async fn old_mail_keeps_dates_threads_and_directions() {
    let (data, files) = installation();
    std::fs::write(files.path().join("old.mbox"), archive()).unwrap();
    let server = Process::serve(data.path());
    let client = owner(&server).await;
    let arguments = "mbox old.mbox --inbox office --own support@old.example";
    let said = imported(data.path(), files.path(), arguments);
    assert_eq!(said, "4 imported, 0 were there already\nleft out: 1 marked as deleted, 0 drafts\n");
    assert!(list(&client, "all").await.is_empty(), "what is old is closed");
    let closed = list(&client, "closed").await;
    assert_eq!(closed.len(), 2, "{closed:?}");
    assert!(closed.iter().all(|row| row["unread"] == false), "and read");
    let tents = closed.iter().find(|row| row["subject"] == "Tents").unwrap();
    let expected = [("inbound", "03", "Tents"), ("outbound", "04", "Re: Tents"), ("inbound", "05", "Re: Tents")];
    let expected = expected
        .map(|(kind, day, subject)| (kind.to_owned(), format!("2011-01-{day}T09:00:00.000Z"), subject.to_owned()));
    assert_eq!(thread(&client, tents).await, expected);
    assert_eq!(tents["last_activity_at"], "2011-01-05T09:00:00.000Z");
    let poles = closed.iter().find(|row| row["subject"] == "Poles").unwrap();
    assert_eq!(poles["last_activity_at"], "2023-11-23T06:12:31.000Z", "an unbelievable date is not taken");
    assert!(list(&client, "sent").await.iter().any(|row| row["id"] == tents["id"]));

    let again = imported(data.path(), files.path(), arguments);
    assert!(again.starts_with("0 imported, 4 were there already"), "{again}");
    assert_eq!(list(&client, "closed").await.len(), 2);
    let begun = Instant::now();
    loop {
        let found = client.get("/search?q=sea&limit=10").await.expect(200);
        if found["items"].as_array().unwrap().len() == 2 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(server.terminate().0.success());
    process::told(data.path(), &["check"], "");
}

#[tokio::test]
async fn unread_mail_may_stay_open_and_nothing_is_sent() {
    let (data, files) = installation();
    std::fs::write(files.path().join("old.mbox"), archive().replace('\n', "\r\n")).unwrap();
    imported(data.path(), files.path(), "mbox old.mbox --inbox OFFICE@desk.example --open --own support@old.example");
    let server = Process::serve(data.path());
    let client = owner(&server).await;
    let open = list(&client, "all").await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!((&open[0]["subject"], &open[0]["unread"]), (&"Poles".into(), &true.into()));
    let tents = list(&client, "closed").await;
    let page = client.get(&format!("/conversations/{}/messages", tents[0]["id"])).await.expect(200);
    let sent = page["items"].as_array().unwrap().iter().find(|message| message["kind"] == "outbound").unwrap();
    assert_eq!(sent["delivery"]["state"], "sent", "{sent}");
    assert!(server.terminate().0.success());
    assert!(process::told(data.path(), &["check"], "").contains("jobs-1: 0"));
}

#[tokio::test]
async fn mails_come_together_over_one_that_is_missing_and_one_that_comes_late() {
    let (data, files) = installation();
    let date = "Wed, 05 Jan 2011 10:00:00 +0100";
    let reply = |id: &str| format!("Message-ID: <{id}@x>\nIn-Reply-To: <lost@x>\n");
    let two = entry(ALICE, OLD, "Re: One", date, &reply("a")) + &entry(ALICE, OLD, "Re: Two", date, &reply("b"));
    std::fs::write(files.path().join("replies"), two).unwrap();
    let late = entry(ALICE, OLD, "First", date, "Message-ID: <lost@x>\n");
    let stranger = entry("Eve <eve@far.example>", OLD, "Mine", date, "In-Reply-To: <lost@x>\n");
    std::fs::write(files.path().join("late"), late + &stranger).unwrap();
    imported(data.path(), files.path(), "mbox replies --inbox office");
    imported(data.path(), files.path(), "mbox late --inbox office");
    let server = Process::serve(data.path());
    let closed = list(&owner(&server).await, "closed").await;
    let mut counts: Vec<_> = closed.iter().map(|row| row["message_count"].as_u64().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 3], "a stranger begins a conversation of their own");
    assert!(server.terminate().0.success());
}

#[tokio::test]
async fn killed_anywhere_it_ends_as_if_it_had_not_been() {
    const MAILS: usize = 1500;
    let (data, files) = installation();
    let mut text = String::new();
    for number in 0..MAILS {
        // Three mails of each person, one a week.
        let (person, day) = (number % 500, number / 500 * 9 + number % 9 + 1);
        let more = format!("Message-ID: <m{number}@x>\nIn-Reply-To: <m{}@x>\n", number.wrapping_sub(500));
        let from = format!("p{person}@far.example");
        text.write_str(&entry(&from, OLD, "Hi", &format!("{day} Jan 2012 10:00:00 +0000"), &more)).unwrap();
    }
    std::fs::write(files.path().join("big"), text).unwrap();
    let arguments = "mbox big --inbox office --resume";
    let mut server = Some(Process::serve(data.path()));
    for round in 0..6_u64 {
        let mut running =
            process::start(command(data.path(), files.path(), arguments).stdout(Stdio::null()).stderr(Stdio::null()))
                .unwrap();
        std::thread::sleep(Duration::from_millis(150 + 70 * round));
        match round {
            // With the server, then the command alone, then without a server.
            0 | 1 => {
                server.take().unwrap().kill();
                running.wait().unwrap();
                server = Some(Process::serve(data.path()));
            }
            _ => {
                running.kill().unwrap();
                running.wait().unwrap();
            }
        }
        if round == 3 {
            assert!(server.take().unwrap().terminate().0.success());
        }
    }
    imported(data.path(), files.path(), arguments);
    let again = imported(data.path(), files.path(), "mbox big --inbox office");
    assert_eq!(again, format!("0 imported, {MAILS} were there already\n"));
    process::told(data.path(), &["check"], "");
    let server = Process::serve(data.path());
    let closed = list(&owner(&server).await, "closed").await;
    let messages: u64 = closed.iter().map(|row| row["message_count"].as_u64().unwrap()).sum();
    assert_eq!((closed.len(), messages), (500, MAILS as u64));
    assert!(server.terminate().0.success());
}

#[tokio::test]
async fn a_maildir_that_another_program_made_comes_with_its_folders_and_marks() {
    let (data, files) = installation();
    let script = r#"
import mailbox, email.message
box = mailbox.Maildir("Mail")
def add(to, subject, flags="", sub="cur"):
    m = mailbox.MaildirMessage("From: a@far.example\nTo: b@x\nSubject: %s\nDate: 3 Jan 2011 10:00:00 +0000\n\nwords\n" % subject)
    m.set_subdir(sub); m.set_flags(flags); to.add(m)
add(box, "read", "S"); add(box, "new", "", "new"); add(box, "gone", "ST"); add(box, "draft", "D")
add(box.add_folder("Archiv.2010"), "kept", "RS")
old = mailbox.mbox("py.mbox")
for n in range(3):
    m = mailbox.mboxMessage("From: a@far.example\nTo: b@x\nSubject: box %d\n\nFrom here\n\nFrom there\n" % n)
    m.set_from("a@far.example", True); old.add(m)
old.flush()
"#;
    assert!(process::done(Command::new("python3").args(["-c", script]).current_dir(files.path())), "python3");
    let root = files.path().join("Mail");
    std::fs::write(root.join("cur/line\nbreak:2,S"), "From: c@far.example\nSubject: odd name\n\nx\n").unwrap();
    std::fs::write(root.join("cur/empty:2,S"), "").unwrap();
    std::fs::write(root.join("cur/binary:2,S"), [0, 255, 13, 10, 0, 200]).unwrap();
    std::fs::write(files.path().join("secret"), "Subject: not yours\n\n").unwrap();
    std::os::unix::fs::symlink(files.path().join("secret"), root.join("cur/link:2,S")).unwrap();
    std::os::unix::fs::symlink(files.path(), root.join(".linked")).unwrap();
    std::fs::File::create(root.join("cur/large:2,S")).unwrap().set_len(100 << 20).unwrap();
    let output = import(data.path(), files.path(), "maildir Mail --inbox office --open");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && told.contains("\"Archiv.2010\": 1 mails"), "{told}");
    assert!(said.starts_with("6 imported") && said.contains("1 marked as deleted, 1 drafts"), "{said}");
    let problems = reasons(files.path(), "Mail");
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems.iter().any(|problem| problem["reason"].as_str().unwrap().contains("100 MiB")));
    assert!(imported(data.path(), files.path(), "mbox py.mbox --inbox office").starts_with("3 imported"));
    let server = Process::serve(data.path());
    let client = owner(&server).await;
    let subjects = |rows: Vec<Value>| {
        let mut all: Vec<_> = rows.iter().map(|row| row["subject"].as_str().unwrap().to_owned()).collect();
        all.sort();
        all
    };
    assert_eq!(subjects(list(&client, "all").await), ["new"]);
    assert_eq!(
        subjects(list(&client, "closed").await),
        ["", "", "box 0", "box 1", "box 2", "kept", "odd name", "read"]
    );
    assert!(server.terminate().0.success());
    process::told(data.path(), &["check"], "");
}

#[test]
fn what_cannot_be_imported_is_said() {
    let (data, files) = installation();
    std::fs::write(files.path().join("binary"), [0, 255, 10, 0]).unwrap();
    std::fs::write(files.path().join("empty"), "").unwrap();
    let long =
        [b"From a Thu Nov 23 06:12:31 2023\nSubject: ".to_vec(), vec![b'x'; 200 << 20], b"\n\n".to_vec()].concat();
    std::fs::write(files.path().join("long"), [&long, archive().as_bytes()].concat()).unwrap();
    for (arguments, words) in [
        ("mbox binary --inbox office", "From line"),
        ("mbox missing --inbox office", "missing: No such file"),
        ("maildir . --inbox office", "neither new nor cur"),
        ("mbox empty --inbox nobody", "there is no inbox \"nobody\": those there are, are"),
    ] {
        let said = refused(data.path(), files.path(), arguments);
        assert!(said.contains(words), "{arguments}: {said}");
    }
    assert_eq!(imported(data.path(), files.path(), "mbox empty --inbox office"), "0 imported, 0 were there already\n");
    let said = imported(data.path(), files.path(), "mbox long --inbox office");
    assert!(said.starts_with("4 imported") && said.contains("1 could not be imported: see long.import"), "{said}");
    assert_eq!(reasons(files.path(), "long")[0]["reason"], "it has 201 MiB; more than 64 MiB are not imported");
    let full = process::start(
        command(data.path(), files.path(), "mbox long --inbox office")
            .env("FRONTDESK_STORE__MIN_FREE_BYTES", "1099511627776"),
    );
    let output = full.unwrap().wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("nearly full") && said.contains("--resume"), "{said}");
}
