//! Channels: the team's own addresses.

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};

use super::auto_reply::AutoReplyView;
use super::body::JsonBody;
use super::caller::Caller;
use super::failure::{broken, problem};
use super::mailboxes::{ImapBody, ImapView};
use super::types::{Person, into_people, people};
use crate::desk::Error;
use crate::desk::channels::{ChannelPatch, NewChannel, NewWay};
use crate::domain::channel;
use crate::domain::mailbox::Broken;
use crate::domain::{Channel, ChannelId, InboxId};
use crate::store::Rows;

/// What a channel is.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "lowercase")]
enum ChannelKind {
    /// An e-mail address.
    Email,
}

/// How mail comes in.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "lowercase")]
enum WayIn {
    /// The domain's MX record names this machine.
    Mx,
    /// A mailbox elsewhere forwards to the inbox's fallback address.
    Forward,
    /// A mailbox elsewhere is looked into.
    Imap,
}

/// The way in that is asked for; none where nothing is said of it.
fn way_in(way: Option<WayIn>, imap: Option<ImapBody>) -> Result<Option<NewWay>, Error> {
    Ok(match (way, imap) {
        (None | Some(WayIn::Imap), Some(imap)) => Some(NewWay::Imap(Box::new(imap.into_change()?))),
        (Some(WayIn::Imap), None) => return Err(Error::invalid("imap", "required")),
        (Some(WayIn::Mx), _) => Some(NewWay::Mx),
        (Some(WayIn::Forward), _) => Some(NewWay::Forward),
        (None, None) => None,
    })
}

/// Whether a channel works.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "lowercase")]
enum ChannelState {
    /// As far as is known.
    Ok,
    /// It does not.
    Broken,
}

/// What is wrong with a channel.
#[derive(Object)]
struct ChannelFault {
    /// Since when.
    since: String,
    /// As a stable code: `unreachable`, `silent`, `tls`, `login_refused`, `folder_missing`, `refused`, `closed`,
    /// `protocol`, `no_room`, `internal`.
    code: String,
    /// The remote server's words, or ours.
    words: String,
}

impl From<&Broken> for ChannelFault {
    fn from(broken: &Broken) -> ChannelFault {
        let Broken { since, code, words } = broken;
        ChannelFault { since: since.rfc3339(), code: code.clone(), words: words.clone() }
    }
}

/// Which name stands in From.
#[derive(Enum, Clone, Copy)]
#[oai(rename_all = "snake_case")]
enum FromName {
    /// The agent's.
    Agent,
    /// The agent's and the company's.
    AgentCompany,
    /// The company's.
    Company,
}

impl From<FromName> for channel::FromName {
    fn from(name: FromName) -> channel::FromName {
        match name {
            FromName::Agent => channel::FromName::Agent,
            FromName::AgentCompany => channel::FromName::AgentCompany,
            FromName::Company => channel::FromName::Company,
        }
    }
}

impl From<channel::FromName> for FromName {
    fn from(name: channel::FromName) -> FromName {
        match name {
            channel::FromName::Agent => FromName::Agent,
            channel::FromName::AgentCompany => FromName::AgentCompany,
            channel::FromName::Company => FromName::Company,
        }
    }
}

/// A way in and out of an inbox.
#[derive(Object)]
struct ChannelView {
    /// Id.
    id: u64,
    /// What it is.
    kind: ChannelKind,
    /// The inbox it belongs to.
    inbox: u64,
    /// The address.
    address: String,
    /// Which name stands in From.
    from_name: FromName,
    /// What closes each message, HTML.
    signature: String,
    /// Copied on each message.
    cc: Vec<Person>,
    /// The same, hidden.
    bcc: Vec<Person>,
    /// Whether `address+anything` is this address.
    plus_tags: bool,
    /// Whether it takes what comes to nobody in its domain.
    catch_all: bool,
    /// How mail comes in.
    way_in: WayIn,
    /// When a forward was last proven to work.
    proven_at: Option<String>,
    /// When a probe was sent that has not come back yet.
    probe_sent_at: Option<String>,
    /// The mailbox that is looked into; for who may manage only.
    imap: Option<ImapView>,
    /// Whether it works.
    state: ChannelState,
    /// What is wrong while it does not.
    fault: Option<ChannelFault>,
    /// What it says by itself.
    auto_reply: AutoReplyView,
}

/// All channels of inboxes that the asker may see.
#[derive(Object)]
struct ChannelList {
    /// In order of their addresses.
    items: Vec<ChannelView>,
    /// The snapshot this was read at.
    change: u64,
}

/// A new channel.
#[derive(Object)]
struct NewChannelBody {
    /// What it is.
    kind: ChannelKind,
    /// The inbox it belongs to.
    inbox: u64,
    /// The address.
    #[oai(validator(max_length = 320))]
    address: String,
    /// How mail comes in; `mx` when it is not given.
    way_in: Option<WayIn>,
    /// The mailbox that is looked into.
    imap: Option<ImapBody>,
}

/// What to change.
#[derive(Object)]
struct ChannelPatchBody {
    /// The inbox it belongs to.
    inbox: Option<u64>,
    /// Which name stands in From.
    from_name: Option<FromName>,
    /// What closes each message, HTML.
    signature: Option<String>,
    /// Copied on each message.
    cc: Option<Vec<Person>>,
    /// The same, hidden.
    bcc: Option<Vec<Person>>,
    /// Whether `address+anything` is this address.
    plus_tags: Option<bool>,
    /// Whether it takes what comes to nobody in its domain.
    catch_all: Option<bool>,
    /// How mail comes in.
    way_in: Option<WayIn>,
    /// The mailbox that is looked into.
    imap: Option<ImapBody>,
    /// What it says by itself.
    auto_reply: Option<AutoReplyView>,
}

#[derive(ApiResponse)]
enum ChannelAdded {
    /// Added.
    #[oai(status = 201)]
    Created(Json<ChannelView>),
}

#[derive(ApiResponse)]
enum ChannelRemoved {
    /// Gone.
    #[oai(status = 204)]
    Done,
}

impl From<&Channel> for ChannelView {
    fn from(channel: &Channel) -> ChannelView {
        let email = channel.email();
        let (way_in, forward) = match &email.way_in {
            channel::WayIn::Mx => (WayIn::Mx, None),
            channel::WayIn::Forward(forward) => (WayIn::Forward, Some(forward)),
            channel::WayIn::Imap(_) => (WayIn::Imap, None),
        };
        let mailbox = email.way_in.mailbox();
        let fault = mailbox.and_then(|mailbox| mailbox.broken.as_ref());
        ChannelView {
            id: channel.id.0,
            kind: ChannelKind::Email,
            inbox: channel.inbox.0,
            address: email.address.clone(),
            from_name: email.from_name.into(),
            signature: email.signature.clone(),
            cc: people(&email.cc),
            bcc: people(&email.bcc),
            plus_tags: email.plus_tags,
            catch_all: email.catch_all,
            way_in,
            proven_at: forward.and_then(|forward| forward.proven_at).map(|at| at.rfc3339()),
            probe_sent_at: forward.and_then(|forward| forward.probe.as_ref()).map(|(_, at)| at.rfc3339()),
            imap: mailbox.map(ImapView::from),
            state: if fault.is_some() { ChannelState::Broken } else { ChannelState::Ok },
            fault: fault.map(ChannelFault::from),
            auto_reply: AutoReplyView::from(&email.auto_reply),
        }
    }
}

pub(in crate::http) struct Channels;

#[OpenApi]
impl Channels {
    /// All channels of inboxes that the asker may see.
    #[oai(path = "/channels", method = "get", operation_id = "list_channels")]
    async fn list(&self, caller: Caller) -> poem::Result<Json<ChannelList>> {
        let rows = caller.rows()?;
        let mut channels = rows.all::<Channel>().map_err(broken)?;
        channels.retain(|channel| caller.who().scope.has_inbox(channel.inbox));
        channels.sort_by(|a, b| a.email().address.cmp(&b.email().address));
        let manages = caller.who().scope.may_manage;
        let shown = |channel: &Channel| {
            let view = ChannelView::from(channel);
            if manages { view } else { ChannelView { imap: None, ..view } }
        };
        let items = channels.iter().map(shown).collect();
        Ok(Json(ChannelList { items, change: rows.last_change().map_err(broken)? }))
    }

    /// Adds a channel. Its domain is added with it, with DKIM keys.
    #[oai(path = "/channels", method = "post", operation_id = "create_channel")]
    async fn create(&self, caller: Caller, body: JsonBody<NewChannelBody>) -> poem::Result<ChannelAdded> {
        let NewChannelBody { kind: ChannelKind::Email, inbox, address, way_in: way, imap } = body.0;
        let way_in = way_in(way, imap).map_err(problem)?.unwrap_or(NewWay::Mx);
        let new = NewChannel { inbox: InboxId(inbox), address, way_in };
        let channel = caller.desk().add_channel(caller.who(), new).await.map_err(problem)?;
        Ok(ChannelAdded::Created(Json(ChannelView::from(&channel))))
    }

    /// Changes a channel.
    #[oai(path = "/channels/:id", method = "patch", operation_id = "update_channel")]
    async fn update(
        &self,
        caller: Caller,
        id: Path<u64>,
        body: JsonBody<ChannelPatchBody>,
    ) -> poem::Result<Json<ChannelView>> {
        let body = body.0;
        let patch = ChannelPatch {
            inbox: body.inbox.map(InboxId),
            from_name: body.from_name.map(Into::into),
            signature: body.signature,
            cc: body.cc.map(into_people),
            bcc: body.bcc.map(into_people),
            plus_tags: body.plus_tags,
            catch_all: body.catch_all,
            way_in: way_in(body.way_in, body.imap).map_err(problem)?,
            auto_reply: body.auto_reply.map(AutoReplyView::read).transpose().map_err(problem)?,
        };
        let channel = caller.desk().update_channel(caller.who(), ChannelId(id.0), patch).await.map_err(problem)?;
        Ok(Json(ChannelView::from(&channel)))
    }

    /// Removes a channel; its conversations stay.
    #[oai(path = "/channels/:id", method = "delete", operation_id = "delete_channel")]
    async fn remove(&self, caller: Caller, id: Path<u64>) -> poem::Result<ChannelRemoved> {
        caller.desk().remove_channel(caller.who(), ChannelId(id.0)).await.map_err(problem)?;
        Ok(ChannelRemoved::Done)
    }
}
