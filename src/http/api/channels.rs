//! Channels: the team's own addresses.

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};

use super::body::JsonBody;
use super::caller::Caller;
use super::failure::{broken, problem};
use super::types::{Person, into_people, people};
use crate::desk::channels::{ChannelPatch, NewChannel};
use crate::domain::channel::{self, Forward};
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
}

impl From<WayIn> for channel::WayIn {
    fn from(way: WayIn) -> channel::WayIn {
        match way {
            WayIn::Mx => channel::WayIn::Mx,
            WayIn::Forward => channel::WayIn::Forward(Forward::default()),
        }
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
        };
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
        let items = channels.iter().map(ChannelView::from).collect();
        Ok(Json(ChannelList { items, change: rows.last_change().map_err(broken)? }))
    }

    /// Adds a channel. Its domain is added with it, with DKIM keys.
    #[oai(path = "/channels", method = "post", operation_id = "create_channel")]
    async fn create(&self, caller: Caller, body: JsonBody<NewChannelBody>) -> poem::Result<ChannelAdded> {
        let NewChannelBody { kind: ChannelKind::Email, inbox, address, way_in } = body.0;
        let new = NewChannel { inbox: InboxId(inbox), address, way_in: way_in.unwrap_or(WayIn::Mx).into() };
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
            way_in: body.way_in.map(Into::into),
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
