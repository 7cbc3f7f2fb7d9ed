//! Telling the demo's story: each message at its time, through the door it would have come by.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

use super::content::{self, Conversation, Message, MessageKind, Workspace};
use super::letters::{self, Before};
use super::password;
use crate::app::run::Running;
use crate::base::{Clock, Timestamp};
use crate::channels::email::delivery::DeliveryTimeouts;
use crate::channels::email::{Mailbox, Outcome, OutgoingEnvelope, Security, Server, deliver};
use crate::desk::agents::NewAgent;
use crate::desk::conversations::ConversationPatch;
use crate::desk::inboxes::InboxPatch;
use crate::desk::replies::NewMessage;
use crate::desk::{Desk, Who, access};
use crate::domain::draft::DraftKind;
use crate::domain::message::DeliveryState;
use crate::domain::workspace::Workspace as Settings;
use crate::domain::{
    Actor, Agent, ConversationId, Inbox, Kind, Message as Row, MessageId, Place, Role, Scope, SessionId, State,
};
use crate::mail::thread;
use crate::store::{Direction, Key, Prepared, Rows, Table};

/// Longest that anything of the story may take to show its effect.
const PATIENCE: Duration = Duration::from_secs(60);

/// One message of one conversation, in order of time.
struct Beat<'a> {
    at: Timestamp,
    conversation: usize,
    message: &'a Message,
}

struct Teller<'a> {
    server: &'a Running,
    clock: &'a Clock,
    agents: BTreeMap<String, Agent>,
    inboxes: BTreeMap<String, Inbox>,
}

/// Tells it all.
pub(super) async fn tell(
    server: &Running,
    clock: &Clock,
    workspace: &Workspace,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> anyhow::Result<()> {
    let now = clock.now();
    let conversations = content::conversations()?;
    let mut beats: Vec<Beat<'_>> = Vec::new();
    for (index, conversation) in conversations.iter().enumerate() {
        for message in &conversation.messages {
            let at = now.plus_seconds(-message.minutes_ago * 60);
            beats.push(Beat { at, conversation: index, message });
        }
    }
    beats.sort_by_key(|beat| beat.at);
    turn(clock, now.plus_days(-61));
    let (agents, inboxes) = furnish(server, workspace).await?;
    let teller = Teller { server, clock, agents, inboxes };
    let mut known: BTreeMap<usize, ConversationId> = BTreeMap::new();
    let total = beats.len();
    for (number, beat) in beats.iter().enumerate() {
        let Some(conversation) = conversations.get(beat.conversation) else { continue };
        turn(clock, beat.at);
        match beat.message.kind {
            MessageKind::Inbound => {
                let id = teller.arrives(conversation, beat.message, known.get(&beat.conversation).copied()).await?;
                known.insert(beat.conversation, id);
            }
            MessageKind::Outbound | MessageKind::Comment => {
                let id = known.get(&beat.conversation).copied();
                let id = match id {
                    Some(id) => {
                        teller.says(id, beat.message).await?;
                        id
                    }
                    None => teller.begins(conversation, beat.message).await?,
                };
                known.insert(beat.conversation, id);
            }
        }
        let last = conversation.messages.last().is_some_and(|last| std::ptr::eq(last, beat.message));
        if let (true, Some(id)) = (last, known.get(&beat.conversation)) {
            teller.settles(*id, conversation, now).await?;
        }
        progress(number + 1, total);
    }
    for (number, raw) in content::raw_mails(&server.desk.hostname)?.into_iter().enumerate() {
        turn(clock, now.plus_seconds(-(i64::try_from(number)? + 1) * 3900));
        let to = format!("hello@{}", server.desk.hostname);
        teller.send("sender@elsewhere.example", &to, &raw).await?;
    }
    turn(clock, now);
    Ok(())
}

/// Turns the clock to a moment; it may go back, as nobody but the story looks at it.
fn turn(clock: &Clock, to: Timestamp) {
    clock.advance_millis(to.millis() - clock.now().millis());
}

/// Makes the workspace, its inboxes and agents.
async fn furnish(
    server: &Running,
    workspace: &Workspace,
) -> anyhow::Result<(BTreeMap<String, Agent>, BTreeMap<String, Inbox>)> {
    let desk = &server.desk;
    let settings = Settings { name: workspace.name.clone(), language: workspace.language.clone() };
    desk.set_workspace(Actor::System, settings).await?;
    let mut agents = BTreeMap::new();
    for agent in &workspace.agents {
        let new = NewAgent {
            name: agent.name.clone(),
            email: agent.email.clone(),
            role: Role::parse(&agent.role).with_context(|| agent.role.clone())?,
            password: password(),
            only_assigned: false,
            language: agent.language.clone(),
        };
        agents.insert(agent.email.clone(), desk.add_agent(Actor::System, new).await?);
    }
    let owner = agents.values().find(|agent| agent.role == Role::Owner).context("the demo has no owner")?;
    let owner = who(owner);
    let mut inboxes = BTreeMap::new();
    for inbox in &workspace.inboxes {
        let made = desk.add_inbox(&owner, inbox.name.clone(), Some(inbox.fallback_local_part.clone())).await?;
        let patch = InboxPatch { from_name: Some(inbox.from_name.clone()), ..InboxPatch::default() };
        inboxes.insert(inbox.name.clone(), desk.update_inbox(&owner, made.id, patch).await?);
    }
    Ok((agents, inboxes))
}

/// An agent as somebody who acts.
fn who(agent: &Agent) -> Who {
    Who { agent: agent.clone(), scope: Scope::of(agent), session: SessionId(0) }
}

impl Teller<'_> {
    fn desk(&self) -> &Desk {
        &self.server.desk
    }

    fn agent(&self, email: Option<&String>) -> anyhow::Result<Who> {
        let agent = email.and_then(|email| self.agents.get(email));
        let agent = agent.or_else(|| self.agents.values().next()).context("nobody works here")?;
        Ok(who(agent))
    }

    /// A contact's mail comes in by SMTP; gives the conversation it is in.
    async fn arrives(
        &self,
        conversation: &Conversation,
        message: &Message,
        known: Option<ConversationId>,
    ) -> anyhow::Result<ConversationId> {
        let inbox = self.inboxes.get(&conversation.inbox).context("an inbox that is not there")?;
        let hostname = &self.desk().hostname;
        let (last, to) = match known {
            Some(id) => {
                let row: crate::domain::Conversation = self.desk().store.read()?.get(id)?;
                (self.last_mail(id)?, thread::reply_address(&row.token, hostname))
            }
            None => (None, format!("{}@{hostname}", inbox.local_part)),
        };
        let answers = last.as_ref().and_then(|row| row.message_id.clone());
        let before = match &last {
            Some(row) => Some(Before {
                who: row.from.as_ref().map(|from| String::from(from.label())).unwrap_or_default(),
                at: row.at,
                text: self.desk().body(&self.desk().store.read()?, row)?.text,
            }),
            None => None,
        };
        let shown_to = match known {
            Some(_) => to.clone(),
            None => format!("{}@{hostname}", inbox.local_part),
        };
        let raw =
            letters::letter(conversation, message, shown_to, self.clock.now(), answers.as_deref(), before.as_ref())?;
        let newest = self.newest_message()?;
        self.send(&conversation.contact.email, &to, &raw).await?;
        self.filed_after(newest).await
    }

    /// Sends a mail to the server's own receiver.
    async fn send(&self, from: &str, to: &str, raw: &[u8]) -> anyhow::Result<()> {
        let relay = Server {
            address: None,
            host: self.server.smtp_address.ip().to_string(),
            port: self.server.smtp_address.port(),
            tls: Security::None,
            credentials: None,
            hello_name: String::from("mail.elsewhere.example"),
            extra_roots: Vec::new(),
            timeouts: DeliveryTimeouts::default(),
        };
        let envelope = OutgoingEnvelope { from: Mailbox::parse(from).ok(), recipients: vec![Mailbox::parse(to)?] };
        for result in deliver(&relay, &envelope, raw, None).await {
            if result.outcome != Outcome::Accepted {
                bail!("the receiver refused a mail to {to}: {}", result.reply);
            }
        }
        Ok(())
    }

    /// Waits until a message newer than `newest` is filed; gives its conversation.
    async fn filed_after(&self, newest: u64) -> anyhow::Result<ConversationId> {
        let mut committed = self.desk().store.committed();
        let waiting = async {
            loop {
                let rows = self.desk().store.read()?;
                let ids = rows.ids(Table::Messages, &Key::new(), None, Direction::Backward, 5)?;
                for id in ids.into_iter().filter(|id| *id > newest) {
                    let row: Row = rows.get(MessageId(id))?;
                    if row.kind == Kind::Inbound {
                        return anyhow::Ok(row.conversation);
                    }
                }
                drop(rows);
                committed.changed().await?;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.map_err(|_| anyhow!("a mail was not filed"))?
    }

    fn newest_message(&self) -> anyhow::Result<u64> {
        let rows = self.desk().store.read()?;
        let ids = rows.ids(Table::Messages, &Key::new(), None, Direction::Backward, 1)?;
        Ok(ids.first().copied().unwrap_or_default())
    }

    fn last_mail(&self, id: ConversationId) -> anyhow::Result<Option<Row>> {
        let rows = self.desk().store.read()?;
        let prefix = Key::new().u64(id.0);
        for id in rows.ids(Table::MessageByConversation, &prefix, None, Direction::Backward, 100)? {
            let row: Row = rows.get(MessageId(id))?;
            if matches!(row.kind, Kind::Inbound | Kind::Outbound) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    async fn new_message(&self, who: &Who, message: &Message) -> anyhow::Result<NewMessage> {
        let kind = if message.kind == MessageKind::Comment { DraftKind::Comment } else { DraftKind::Reply };
        let mut attachments = Vec::new();
        for name in &message.attachments {
            let file = letters::file(name)?;
            let bytes = Prepared::from_bytes(&file.bytes);
            attachments.push(self.desk().upload(who, &file.name, &file.content_type, bytes).await?.id);
        }
        Ok(NewMessage {
            client_id: crate::base::random::token(),
            kind,
            to: None,
            cc: message.cc.clone(),
            bcc: Vec::new(),
            html: None,
            text: Some(message.text.clone()),
            attachments,
            last_seen_change: None,
            and_close: false,
            channel: None,
            plain: false,
            send_at: None,
            forward: None,
        })
    }

    /// An agent answers or comments.
    async fn says(&self, id: ConversationId, message: &Message) -> anyhow::Result<()> {
        let who = self.agent(message.author.as_ref())?;
        let new = self.new_message(&who, message).await?;
        let (said, _) = self.desk().say(&who, id, new).await?;
        if message.kind == MessageKind::Outbound { self.leaves(said.id).await } else { Ok(()) }
    }

    /// An agent writes first.
    async fn begins(&self, conversation: &Conversation, message: &Message) -> anyhow::Result<ConversationId> {
        let who = self.agent(message.author.as_ref())?;
        let inbox = self.inboxes.get(&conversation.inbox).context("an inbox that is not there")?.id;
        let mut new = self.new_message(&who, message).await?;
        new.to = Some(vec![conversation.contact.clone()]);
        let new = crate::desk::replies::NewConversation { inbox, subject: conversation.subject.clone(), message: new };
        let (said, made) = self.desk().begin_conversation(&who, new).await?;
        self.leaves(said.id).await?;
        Ok(made.id)
    }

    /// Lets the time for undoing pass and waits until the message has left.
    async fn leaves(&self, id: MessageId) -> anyhow::Result<()> {
        self.clock.advance_millis((crate::desk::UNDO_SECONDS + 1) * 1000);
        // Any commit wakes the queue, which does not see the clock turn.
        let settings = self.desk().workspace(&self.desk().store.read()?)?;
        self.desk().set_workspace(Actor::System, settings).await?;
        let mut committed = self.desk().store.committed();
        let waiting = async {
            loop {
                let row: Row = self.desk().store.read()?.get(id)?;
                let state = row.delivery.map(|delivery| delivery.state);
                if state == Some(DeliveryState::Sent) {
                    return anyhow::Ok(());
                }
                committed.changed().await?;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.map_err(|_| anyhow!("a reply did not leave"))?
    }

    /// Gives a conversation the state it has now.
    async fn settles(&self, id: ConversationId, conversation: &Conversation, now: Timestamp) -> anyhow::Result<()> {
        let said = self.clock.now();
        self.clock.advance_millis(60_000);
        let who = self.agent(conversation.assignee.as_ref())?;
        let rows = self.desk().store.read()?;
        let assignee = match &conversation.assignee {
            Some(email) => access::find_by_email(&rows, email)?.map(|agent| agent.id),
            None => None,
        };
        drop(rows);
        let state = State::parse(&conversation.state).context("an unknown state")?;
        let patch = ConversationPatch {
            assignee: Some(assignee),
            tags: Some(conversation.tags.clone()),
            place: Place::parse(&conversation.place),
            ..ConversationPatch::default()
        };
        self.desk().update_conversation(&who, id, patch).await?;
        let patch = match state {
            State::Snoozed => ConversationPatch {
                snoozed_until: Some(now.plus_seconds(86_400 + i64::try_from(id.0 % 5)? * 43_200)),
                ..ConversationPatch::default()
            },
            other => ConversationPatch { state: Some(other), ..ConversationPatch::default() },
        };
        self.desk().update_conversation(&who, id, patch).await?;
        let fresh = now.millis() - said.millis() < 3 * 3_600_000 && state == State::Open;
        for agent in self.agents.values().filter(|_| !fresh) {
            let read = ConversationPatch { unread: Some(false), ..ConversationPatch::default() };
            self.desk().update_conversation(&self::who(agent), id, read).await?;
        }
        Ok(())
    }
}
