//! The demo's content: what lies in the folder `tarnina` beside this file, embedded in the program.

use anyhow::{Context, anyhow};
use rust_embed::RustEmbed;
use serde::Deserialize;

use crate::domain::Person;

#[derive(RustEmbed)]
#[folder = "src/app/demo/tarnina/"]
struct Folder;

/// `workspace.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workspace {
    pub(super) name: String,
    pub(super) language: String,
    #[expect(dead_code, reason = "lists the tags for whoever writes conversations")]
    pub(super) tags: Vec<String>,
    pub(super) inboxes: Vec<Inbox>,
    pub(super) agents: Vec<Agent>,
}

/// An inbox of the workspace.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inbox {
    pub(super) name: String,
    pub(super) fallback_local_part: String,
    pub(super) from_name: String,
}

/// An agent of the workspace.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Agent {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) role: String,
    pub(super) language: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConversationFile {
    conversation: Vec<Conversation>,
}

/// One conversation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Conversation {
    pub(super) inbox: String,
    pub(super) contact: Person,
    pub(super) subject: String,
    #[expect(dead_code, reason = "says in which language the people write")]
    pub(super) language: String,
    pub(super) state: String,
    pub(super) place: String,
    pub(super) assignee: Option<String>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(rename = "message")]
    pub(super) messages: Vec<Message>,
}

/// One message of a conversation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    pub(super) kind: MessageKind,
    pub(super) minutes_ago: i64,
    pub(super) author: Option<String>,
    pub(super) text: String,
    pub(super) html: Option<String>,
    #[serde(default)]
    pub(super) attachments: Vec<String>,
    #[serde(default)]
    pub(super) to: Vec<Person>,
    #[serde(default)]
    pub(super) cc: Vec<Person>,
    pub(super) quote: Option<String>,
}

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MessageKind {
    Inbound,
    Outbound,
    Comment,
}

/// The workspace.
pub(super) fn workspace() -> anyhow::Result<Workspace> {
    toml::from_str(&text("workspace.toml")?).context("workspace.toml")
}

/// All conversations.
pub(super) fn conversations() -> anyhow::Result<Vec<Conversation>> {
    let mut all = Vec::new();
    for name in Folder::iter().filter(|name| name.starts_with("conversations/")) {
        let file: ConversationFile = toml::from_str(&text(&name)?).with_context(|| name.to_string())?;
        all.extend(file.conversation);
    }
    Ok(all)
}

/// Raw mails, with the installation's host name filled in.
pub(super) fn raw_mails(hostname: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    Folder::iter()
        .filter(|name| name.starts_with("raw/"))
        .map(|name| Ok(replace(&bytes(&name)?, b"{{host}}", hostname.as_bytes())))
        .collect()
}

/// A file of the folder.
pub(super) fn bytes(name: &str) -> anyhow::Result<Vec<u8>> {
    let file = Folder::get(name).ok_or_else(|| anyhow!("{name} is not there"))?;
    Ok(file.data.into_owned())
}

/// A file of the folder as text.
pub(super) fn text(name: &str) -> anyhow::Result<String> {
    String::from_utf8(bytes(name)?).with_context(|| String::from(name))
}

/// Replaces every `from` in bytes that need not be text.
fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        out.extend_from_slice(to);
        rest = after.get(from.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_content_can_be_read_and_is_complete() {
        let workspace = workspace().unwrap();
        let conversations = conversations().unwrap();
        assert!(conversations.len() >= 200 && workspace.inboxes.len() == 2 && workspace.agents.len() == 4);
        assert!(raw_mails("desk.example").unwrap().len() >= 8);
        for conversation in &conversations {
            assert!(workspace.inboxes.iter().any(|inbox| inbox.name == conversation.inbox));
            assert!(conversation.messages.windows(2).all(|two| two[0].minutes_ago >= two[1].minutes_ago));
            for message in &conversation.messages {
                if let Some(html) = &message.html {
                    text(&format!("html/{html}")).unwrap();
                }
                for file in &message.attachments {
                    bytes(&format!("files/{file}")).unwrap();
                }
            }
        }
    }
}
