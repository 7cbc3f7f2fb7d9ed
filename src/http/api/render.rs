//! Conversations and messages as the asker sees them.

use std::collections::BTreeMap;
use std::sync::Arc;

use poem_openapi::types::Any;
use poem_openapi::{Enum, Object};
use serde_json::Value;

use super::authentication::AuthenticationView;
use super::failure::{broken, problem};
use super::shown::{Clean, Shown};
use super::types::{AttachmentView, Kind, Person, Place, State, people};
use crate::base::text::cut;
use crate::desk::{Desk, Who, contacts, conversations, drafts};
use crate::domain::conversation::Trouble;
use crate::domain::draft::DraftKind;
use crate::domain::message::{Body, Delivery};
use crate::domain::{self, Attachment, Contact, Conversation, Message};
use crate::mail::{clean, quotes};
use crate::store::{Reader, Rows};

/// Longest text of a message in lists and frames, bytes.
const MAX_LISTED_TEXT: usize = 256 << 10;
/// Longest cleaned HTML of a message in lists and frames, bytes.
const MAX_LISTED_HTML: usize = 512 << 10;

/// The contact of a conversation.
#[derive(Object, Clone, Debug)]
pub struct ContactRef {
    /// Id.
    pub id: u64,
    /// Name, if one is known.
    pub name: Option<String>,
    /// Address.
    pub email: String,
}

/// Who spoke last.
#[derive(Object, Clone, Debug)]
pub struct LastView {
    /// In which direction.
    pub kind: Kind,
    /// The name shown.
    pub author: String,
    /// The first words.
    pub preview: String,
}

/// What somebody should see to.
#[derive(Enum, Clone, Copy, Debug)]
#[oai(rename_all = "snake_case")]
pub enum TroubleView {
    /// A reply could not be delivered.
    DeliveryFailed,
    /// A mail could not be read.
    Unreadable,
    /// A reply has not been delivered for hours; it is still being tried.
    DeliveryDelayed,
}

/// A conversation in a list.
#[derive(Object, Clone, Debug)]
pub struct ConversationRow {
    /// Id.
    pub id: u64,
    /// Its inbox.
    pub inbox: u64,
    /// The channel: `email`.
    pub channel: String,
    /// What it is about.
    pub subject: String,
    /// Whether it waits.
    pub state: State,
    /// Where it lies.
    pub place: Place,
    /// Why the program itself put it there: `dmarc_fail`.
    pub place_reason: Option<String>,
    /// With whom.
    pub contact: ContactRef,
    /// The agent who looks after it.
    pub assignee: Option<u64>,
    /// Tags.
    pub tags: Vec<String>,
    /// Messages and comments, not events.
    pub message_count: u32,
    /// When it began.
    pub created_at: String,
    /// When somebody last said something.
    pub last_activity_at: String,
    /// When a snoozed one comes back.
    pub snoozed_until: Option<String>,
    /// Whether the asker has yet to read it.
    pub unread: bool,
    /// Whether any message brought a file.
    pub has_attachments: bool,
    /// Whether the asker has a draft here.
    pub draft: bool,
    /// Who spoke last.
    pub last: Option<LastView>,
    /// What somebody should see to.
    pub trouble: Option<TroubleView>,
    /// Conversations that belong beside this one.
    pub related: Vec<u64>,
}

/// One try of sending.
#[derive(Object, Clone, Debug)]
pub struct AttemptView {
    /// When.
    pub at: String,
    /// For whom; none for the connection.
    pub recipient: Option<String>,
    /// `accepted`, `deferred`, `refused` or `error`.
    pub outcome: String,
    /// The remote server's words.
    pub reply: String,
}

/// One envelope recipient.
#[derive(Object, Clone, Debug)]
pub struct RecipientView {
    /// Address.
    pub email: String,
    /// `queued`, `sending`, `sent`, `retrying`, `failed` or `cancelled`.
    pub state: String,
    /// The remote server's last words.
    pub reply: Option<String>,
}

/// How sending stands.
#[derive(Object, Clone, Debug)]
pub struct DeliveryView {
    /// `queued`, `sending`, `sent`, `retrying`, `failed` or `cancelled`.
    pub state: String,
    /// When the next try is made.
    pub due_at: Option<String>,
    /// The time its author set for it.
    pub send_at: Option<String>,
    /// What was tried, oldest first.
    pub attempts: Vec<AttemptView>,
    /// Each recipient.
    pub recipients: Vec<RecipientView>,
}

/// Something that happened, to be put into words by the page.
#[derive(Object, Clone, Debug)]
pub struct EventView {
    /// Stable code.
    pub code: String,
    /// The agent who did it; none for the program.
    pub actor: Option<u64>,
    /// What the sentence needs.
    pub args: Any<BTreeMap<String, Value>>,
}

/// A message, comment or event.
#[derive(Object, Clone, Debug)]
pub struct MessageView {
    /// Id.
    pub id: u64,
    /// Its conversation.
    pub conversation: u64,
    /// What it is.
    pub kind: Kind,
    /// The agent who wrote it.
    pub author: Option<u64>,
    /// From.
    pub from: Option<Person>,
    /// To.
    pub to: Vec<Person>,
    /// Cc.
    pub cc: Vec<Person>,
    /// Bcc.
    pub bcc: Vec<Person>,
    /// Reply-To.
    pub reply_to: Vec<Person>,
    /// Subject of this very message.
    pub subject: Option<String>,
    /// Plain text.
    pub text: String,
    /// HTML, cleaned.
    pub html: Option<String>,
    /// Whether text or HTML was too long for where this stands: `/messages/{id}` has the whole of it.
    pub cut: bool,
    /// Why there is HTML that is not shown.
    pub html_blocked: Option<String>,
    /// Pictures from other servers that are not loaded.
    pub remote_images: u32,
    /// Of these, how many can be fetched: the one marked `data-remote="0"` and so on, by `/messages/{id}/images/0`.
    pub fetchable_images: u32,
    /// Whether the HTML brings colours of its own.
    pub own_colours: bool,
    /// Line of `text` at which quoted history begins, from 0.
    pub quote_from_line: Option<u32>,
    /// Whether text or HTML has quoted history.
    pub has_quote: bool,
    /// Files.
    pub attachments: Vec<AttachmentView>,
    /// Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// When it came or was made.
    pub at: String,
    /// The mail's own Date.
    pub sent_at: Option<String>,
    /// What is wrong with the mail.
    pub defects: Vec<String>,
    /// Whether a received mail is from whom it says it is.
    pub authentication: Option<AuthenticationView>,
    /// How a received mail came to us: our own `Authentication-Results`, `Return-Path` and `Received` lines, which the
    /// original is without.
    pub trace: Vec<String>,
    /// Whether the original can be had.
    pub has_raw: bool,
    /// How sending stands.
    pub delivery: Option<DeliveryView>,
    /// What happened.
    pub event: Option<EventView>,
    /// The message that this one passes on to somebody else.
    pub forward_of: Option<u64>,
    /// Whether a machine answers here: our own automatic reply, or somebody's to our mail.
    pub automatic: bool,
}

/// Renders for one asker from one snapshot.
pub(super) struct Renderer<'a> {
    /// The desk.
    pub desk: &'a Desk,
    /// Cleaned HTML kept.
    pub shown: &'a Shown,
    /// The snapshot.
    pub rows: &'a Reader,
    /// Who looks.
    pub who: &'a Who,
}

impl Renderer<'_> {
    /// A conversation in a list.
    pub(super) fn row(&self, conversation: &Conversation) -> poem::Result<ConversationRow> {
        let contact: Contact = self.rows.get(conversation.contact).map_err(broken)?;
        let agent = &self.who.agent;
        let mark = conversations::read_mark(self.rows, agent, conversation).map_err(problem)?;
        let mut draft = false;
        for kind in [DraftKind::Reply, DraftKind::Comment] {
            draft |= drafts::find(self.rows, agent.id, Some(conversation.id), kind).map_err(problem)?.is_some();
        }
        let shown = contact.identities.iter().find(|identity| identity.value == conversation.identity);
        let email = shown.map_or(conversation.identity.as_str(), |identity| identity.shown.as_str());
        let name = contacts::name_for(self.rows, &self.who.scope, conversation, &contact).map_err(problem)?;
        Ok(ConversationRow {
            id: conversation.id.0,
            inbox: conversation.inbox.0,
            channel: String::from("email"),
            subject: conversation.subject.clone(),
            state: conversation.state.into(),
            place: conversation.place.into(),
            place_reason: conversation.place_reason.clone(),
            contact: ContactRef { id: contact.id.0, name, email: String::from(email) },
            assignee: conversation.assignee.map(|agent| agent.0),
            tags: conversation.tags.clone(),
            message_count: conversation.message_count,
            created_at: conversation.created_at.rfc3339(),
            last_activity_at: conversation.last_activity_at.rfc3339(),
            snoozed_until: conversation.snoozed_until.map(|at| at.rfc3339()),
            unread: conversation.is_unread(mark),
            has_attachments: conversation.has_attachments,
            draft,
            last: conversation.last.as_ref().map(|last| LastView {
                kind: last.kind.into(),
                author: last.author.clone(),
                preview: last.preview.clone(),
            }),
            trouble: conversation.trouble.map(|trouble| match trouble {
                Trouble::DeliveryFailed => TroubleView::DeliveryFailed,
                Trouble::Unreadable => TroubleView::Unreadable,
                Trouble::DeliveryDelayed => TroubleView::DeliveryDelayed,
            }),
            related: self.related(conversation)?,
        })
    }

    /// Ids of the conversations beside it that the asker may see.
    fn related(&self, conversation: &Conversation) -> poem::Result<Vec<u64>> {
        let mut seen = Vec::new();
        for id in &conversation.related {
            let other: Option<Conversation> = self.rows.find(*id).map_err(broken)?;
            if other.is_some_and(|other| self.who.scope.may_read(&other)) {
                seen.push(id.0);
            }
        }
        Ok(seen)
    }

    /// A message among others: very long text is cut, very long HTML left out.
    pub(super) fn listed(&self, message: &Message) -> poem::Result<MessageView> {
        let mut view = self.message(message)?;
        if view.html.as_ref().is_some_and(|html| html.len() > MAX_LISTED_HTML) {
            (view.html, view.cut) = (None, true);
        }
        if view.text.len() > MAX_LISTED_TEXT {
            view.text = String::from(cut(&view.text, MAX_LISTED_TEXT));
            let lines = view.text.lines().count();
            view.quote_from_line =
                view.quote_from_line.filter(|line| usize::try_from(*line).is_ok_and(|at| at < lines));
            view.cut = true;
        }
        Ok(view)
    }

    /// A message, whole.
    pub(super) fn message(&self, message: &Message) -> poem::Result<MessageView> {
        let (body, files, clean) = self.cleaned(message)?;
        let quote = match message.kind {
            domain::Kind::Inbound => quotes::quote_from_line(&body.text).and_then(|line| u32::try_from(line).ok()),
            _ => None,
        };
        Ok(MessageView {
            id: message.id.0,
            conversation: message.conversation.0,
            kind: message.kind.into(),
            author: message.author.map(|agent| agent.0),
            from: message.from.as_ref().map(Person::from),
            to: people(&message.to),
            cc: people(&message.cc),
            bcc: people(&message.bcc),
            reply_to: people(&message.reply_to),
            subject: message.subject.clone(),
            text: body.text,
            html: clean.html.clone(),
            cut: false,
            html_blocked: clean.blocked.map(String::from),
            remote_images: clean.remote_images,
            fetchable_images: u32::try_from(clean.remote_addresses.len()).unwrap_or_default(),
            own_colours: clean.own_colours,
            quote_from_line: quote,
            has_quote: clean.has_quote || quote.is_some(),
            attachments: files.iter().map(AttachmentView::from).collect(),
            message_id: message.message_id.clone(),
            at: message.at.rfc3339(),
            sent_at: message.date.map(|at| at.rfc3339()),
            defects: message.defects.clone(),
            authentication: message.authentication.as_ref().map(AuthenticationView::from),
            trace: unfolded(message.trace.as_deref().unwrap_or_default()),
            has_raw: message.raw.is_some(),
            delivery: message.delivery.as_ref().map(delivery),
            event: message.event.as_ref().map(|event| EventView {
                code: event.code.clone(),
                actor: message.author.map(|agent| agent.0),
                args: Any(event.args.clone()),
            }),
            forward_of: message.forward_of.map(|of| of.0),
            automatic: message.automatic,
        })
    }
}

impl MessageView {
    /// About how many bytes it takes in an answer.
    pub(super) fn weight(&self) -> usize {
        self.text.len().saturating_add(self.html.as_ref().map_or(0, String::len))
    }
}

impl Renderer<'_> {
    fn cleaned(&self, message: &Message) -> poem::Result<(Body, Vec<Attachment>, Arc<Clean>)> {
        let body = self.desk.body(self.rows, message).map_err(problem)?;
        let mut files = Vec::new();
        for id in &message.attachments {
            files.push(self.rows.get::<Attachment>(*id).map_err(broken)?);
        }
        let clean = match body.html {
            Some(_) => self.shown.get(message.id, || cleaned(&body, &files)),
            None => Arc::default(),
        };
        Ok((body, files, clean))
    }

    /// Where the message's remote image with this number is.
    pub(super) fn remote_address(&self, message: &Message, number: usize) -> poem::Result<Option<String>> {
        Ok(self.cleaned(message)?.2.remote_addresses.get(number).cloned())
    }
}

fn cleaned(body: &Body, files: &[Attachment]) -> Clean {
    let Some(html) = &body.html else { return Clean::default() };
    // Only files of this very message can be named, whatever the Content-ID says.
    let cleaned = clean::clean_message(html, |id| {
        let file = files.iter().find(|file| file.content_id.as_deref() == Some(id))?;
        Some(format!("/api/v1/attachments/{}", file.id))
    });
    Clean {
        html: cleaned.blocked.is_none().then_some(cleaned.html),
        blocked: cleaned.blocked.map(|reason| reason.code()),
        remote_images: cleaned.remote_images,
        remote_addresses: cleaned.remote_addresses,
        own_colours: cleaned.own_colours,
        has_quote: cleaned.has_quote,
    }
}

fn delivery(delivery: &Delivery) -> DeliveryView {
    let attempt = |attempt: &domain::message::Attempt| AttemptView {
        at: attempt.at.rfc3339(),
        recipient: attempt.recipient.clone(),
        outcome: attempt.outcome.clone(),
        reply: attempt.reply.clone(),
    };
    let recipient = |one: &domain::message::RecipientState| RecipientView {
        email: one.email.clone(),
        state: String::from(one.state.name()),
        reply: one.reply.clone(),
    };
    DeliveryView {
        state: String::from(delivery.state.name()),
        due_at: delivery.due_at.map(|at| at.rfc3339()),
        send_at: delivery.send_at.map(|at| at.rfc3339()),
        attempts: delivery.attempts.iter().map(attempt).collect(),
        recipients: delivery.recipients.iter().map(recipient).collect(),
    }
}

/// Header lines without their folding.
fn unfolded(lines: &str) -> Vec<String> {
    lines.replace("\r\n\t", " ").lines().map(String::from).collect()
}
