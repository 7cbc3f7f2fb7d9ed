//! A message ends at CR LF `.` CR LF and nowhere else, and nothing behind a doubtful end is run.

use super::support::Server;

/// Everything some server has taken for the end of a message, and neighbours.
const TERMINATORS: [&str; 28] = [
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r\n.\r",
    "\r.\r",
    "\r.\r\n",
    "\r.\n",
    "\n.\r",
    "\r\n.\r\r\n",
    "\r\r\n.\r\n",
    "\r\n\0.\r\n",
    "\r\n.\0\r\n",
    "\r\n.\0\n",
    "\0\r\n.\n",
    "\n\n.\n\n",
    "\r\n.\n\r\n",
    "\n.\n\r\n",
    "\r\r.\r\r",
    "\r\n..\r\n",
    "\n..\n",
    "\r\n..\n",
    "\r..\r\n",
    "\r\n. \r\n",
    "\r\n.\t\n",
    "\n\r.\n\r",
    "\r\n.\r\0\n",
    "\u{85}.\u{85}",
    "\u{2028}.\u{2028}",
];

const SECOND: &str = "MAIL FROM:<ceo@ours.example>\r\nRCPT TO:<help@ours.example>\r\nDATA\r\nSubject: forged\r\n\r\nx";

#[tokio::test]
async fn no_terminator_makes_two_mails() {
    let server = Server::start().await;
    for terminator in TERMINATORS {
        let before = server.count();
        let mut client = server.greeted().await;
        client.open_data().await;
        client.send(format!("Subject: a\r\n\r\nfirst{terminator}{SECOND}\r\n.\r\nQUIT\r\n")).await;
        let codes = client.codes_until_end().await;
        let new = server.count() - before;
        assert!(new <= 1, "{terminator:?} made {new} mails: {codes:?}");
        let accepted = codes.iter().filter(|&&code| code == 250).count();
        assert_eq!(accepted, new, "{terminator:?}: {codes:?}");
        assert!(!codes.contains(&354), "{terminator:?}: {codes:?}");
        let stray = terminator.replace("\r\n", "").contains(['\r', '\n']);
        if stray {
            assert_eq!((new, codes.first()), (0, Some(&554)), "{terminator:?}");
        } else {
            let message = String::from_utf8(server.last().1).unwrap();
            assert!(message.contains("Subject: forged"), "{terminator:?} kept the rest as text");
        }
    }
}

#[tokio::test]
async fn a_terminator_split_over_segments_is_the_same() {
    let server = Server::start().await;
    for terminator in TERMINATORS.into_iter().filter(|text| text.is_ascii()) {
        let before = server.count();
        let mut client = server.greeted().await;
        client.stream.set_nodelay(true).unwrap();
        client.open_data().await;
        client.send("a: b\r\n\r\nfirst").await;
        for byte in terminator.bytes() {
            client.send([byte]).await;
            tokio::task::yield_now().await;
        }
        client.send(format!("{SECOND}\r\n.\r\nQUIT\r\n")).await;
        let codes = client.codes_until_end().await;
        assert!(server.count() - before <= 1 && !codes.contains(&354), "{terminator:?}: {codes:?}");
    }
}

#[tokio::test]
async fn bare_line_ends_are_no_command_lines() {
    let server = Server::start().await;
    for line in ["NOOP\n", "NOOP\nNOOP\r\n", "MAIL FROM:<a@b.example>\nRCPT TO:<help@ours.example>\r\n"] {
        let mut client = server.greeted().await;
        client.send(line).await;
        assert_eq!(client.codes_until_end().await, [500], "{line:?}");
    }
    let mut client = server.greeted().await;
    assert_eq!(client.ask("NOOP\rNOOP").await, 501);
}
