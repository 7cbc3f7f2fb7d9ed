//! How the bytes were cut into segments makes no difference, and no bytes bring the receiver down.

use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};

use super::support::Server;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The codes that `bytes` bring, sent in pieces of the given sizes (all at once if there are none).
async fn codes(server: &Server, in_data: bool, bytes: &[u8], sizes: &[usize]) -> Vec<u16> {
    let mut client = server.greeted().await;
    client.stream.set_nodelay(true).unwrap();
    if in_data {
        client.open_data().await;
    }
    let (mut rest, mut sizes) = (bytes, sizes.iter().cycle());
    while !rest.is_empty() {
        let (now, later) = rest.split_at(*sizes.next().unwrap_or(&rest.len()).min(&rest.len()));
        client.send(now).await;
        // Lets the server read this piece before the next.
        tokio::task::yield_now().await;
        rest = later;
    }
    client.codes_until_end().await
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"NOOP\r\n".to_vec()),
        Just(b"RSET\r\n".to_vec()),
        Just(b"MAIL FROM:<a@b.example>\r\n".to_vec()),
        Just(b"MAIL FROM:<> SIZE=10\r\n".to_vec()),
        Just(b"RCPT TO:<help@ours.example>\r\n".to_vec()),
        Just(b"RCPT TO:<nobody@ours.example>\r\n".to_vec()),
        "(MAIL FROM|RCPT TO|VRFY|HELP)[:<>@\"\\\\ a-z.=]{0,30}\r\n".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #![proptest_config(crate::base::soak::cases(48))]

    #[test]
    fn commands_in_pieces(lines in proptest::collection::vec(line(), 0..12), sizes in proptest::collection::vec(1_usize..20, 1..6)) {
        let mut bytes = lines.concat();
        bytes.extend_from_slice(b"\r\nQUIT\r\n");
        runtime().block_on(async {
            let server = Server::start().await;
            let whole = codes(&server, false, &bytes, &[]).await;
            let pieces = codes(&server, false, &bytes, &sizes).await;
            prop_assert_eq!(whole, pieces);
            prop_assert_eq!(server.greeted().await.ask("NOOP").await, 250);
            Ok(())
        })?;
    }

    #[test]
    fn a_message_in_pieces(
        text in proptest::collection::vec(prop_oneof![
            3 => Just(b"\r\n".to_vec()), 2 => Just(b".".to_vec()), 1 => Just(b"\r".to_vec()), 1 => Just(b"\n".to_vec()),
            4 => proptest::collection::vec(32_u8..127, 1..8),
        ], 0..30),
        sizes in proptest::collection::vec(1_usize..20, 1..6),
    ) {
        let mut bytes = text.concat();
        bytes.extend_from_slice(b"\r\n.\r\nQUIT\r\n");
        runtime().block_on(async {
            let server = Server::start().await;
            let whole = codes(&server, true, &bytes, &[]).await;
            let pieces = codes(&server, true, &bytes, &sizes).await;
            prop_assert_eq!(whole, pieces);
            let mails = server.mails.lock().unwrap();
            let kept: Vec<&Vec<u8>> = mails.iter().map(|(_, message)| message).collect();
            prop_assert!(kept.is_empty() || (kept.len() == 2 && kept[0] == kept[1]), "{:?}", kept);
            Ok(())
        })?;
    }
}
