//! Every table on one page: its key, its value, and who writes it.
//!
//! Keys are byte strings made by [`super::Key`]: fields in order of use, numbers big-endian, so that a list
//! view is one range scan. Rows are MessagePack with field names. The number at the end of a name is the
//! layout's: a new layout is a new table and a migration.

use redb::TableDefinition;

/// The form of all tables: bytes to bytes.
pub(super) type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

macro_rules! tables {
    ($($(#[$doc:meta])* $variant:ident => $name:literal),* $(,)?) => {
        /// A table.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Table { $($(#[$doc])* $variant),* }

        impl Table {
            /// All tables, for what must walk over each: check and backup.
            pub const ALL: &'static [Table] = &[$(Table::$variant),*];

            /// The name in the file.
            pub fn name(self) -> &'static str {
                match self { $(Table::$variant => $name),* }
            }
        }
    };
}

tables! {
    /// name → number: `layout`, the last change, the last id of each kind, `received_seq`. Written by the store.
    Meta => "meta-1",
    /// change number → `Change`. Written by every transaction; trimmed after 30 days.
    Changes => "changes-1",
    /// follower's name → number of the last change it has dealt with. Written by followers.
    Cursors => "cursors-1",
    /// name → MessagePack: the workspace, the relay, the set-up link's hash.
    Settings => "settings-1",
    /// tally's key → count as u64. Kept right by difference whenever an entity is put.
    Tallies => "tallies-1",

    /// blob → where its bytes are, sizes, how many rows name it. Written by the store.
    Blobs => "blobs-1",
    /// blob → its place: bytes that no row names any more, for the sweep.
    DeadBlobs => "dead-blobs-1",

    /// agent → `Agent`.
    Agents => "agents-1",
    /// e-mail → agent. Unique.
    AgentByEmail => "agent-by-email-1",
    /// session → `Session`.
    Sessions => "sessions-1",
    /// hash of the token → session. Unique.
    SessionByToken => "session-by-token-1",
    /// (agent, session).
    SessionByAgent => "session-by-agent-1",
    /// (expires_at, session), API tokens left out.
    SessionByEnd => "session-by-end-1",

    /// inbox → `Inbox`.
    Inboxes => "inboxes-1",
    /// local part → inbox. Unique.
    InboxByLocalPart => "inbox-by-local-part-1",

    /// channel → `Channel`.
    Channels => "channels-1",
    /// address → channel. Unique.
    ChannelByAddress => "channel-by-address-1",
    /// (inbox, channel).
    ChannelByInbox => "channel-by-inbox-1",
    /// domain → channel that takes what is nobody's there. Unique.
    ChannelByCatchAll => "channel-by-catch-all-1",
    /// (domain, channel).
    ChannelByDomain => "channel-by-domain-1",
    /// (channel, folder) → MessagePack of `Cursor`: how far a mailbox elsewhere has been read.
    Polled => "polled-1",
    /// (channel, hash of recipient and bytes) → number: the last mails taken from a mailbox elsewhere, so that each is
    /// taken once even when its server numbers them anew.
    Fetched => "fetched-1",
    /// (channel, number, hash): the same in their order, for trimming.
    FetchedByOrder => "fetched-by-order-1",
    /// domain's id → `MailDomain`.
    Domains => "domains-1",
    /// name → domain. Unique.
    DomainByName => "domain-by-name-1",

    /// contact → `Contact`.
    Contacts => "contacts-1",
    /// (kind, value) → contact. Unique.
    ContactByIdentity => "contact-by-identity-1",

    /// incoming → `Incoming`: taken, not yet filed.
    Incoming => "incoming-1",
    /// (hash of recipient and bytes) → incoming. Unique. A mail that waits to be filed is known from here: this
    /// tree stays small, so an acknowledgement writes no page of the large one below.
    IncomingByDelivery => "incoming-by-delivery-1",
    /// (hash of recipient and bytes) → time: what came within 7 days and is filed, so that a second delivery stores
    /// once.
    Seen => "seen-1",
    /// (time, hash): the same in order of time, for trimming.
    SeenByTime => "seen-by-time-1",

    /// (inbox, hash of the mail) → message it became. Kept for ever: importing a mail again does nothing.
    Imported => "imported-1",
    /// (hash of a Message-ID, conversation): imported mails name it, and no message had it yet.
    AwaitedIds => "awaited-ids-1",

    /// conversation → `Conversation`.
    Conversations => "conversations-1",
    /// (inbox, place, state, last activity, conversation).
    ConversationByInbox => "conversation-by-inbox-1",
    /// (place, state, last activity, conversation).
    ConversationByPlace => "conversation-by-place-1",
    /// (assignee or 0, place, state, last activity, conversation).
    ConversationByAssignee => "conversation-by-assignee-1",
    /// (contact, last activity, conversation).
    ConversationByContact => "conversation-by-contact-1",
    /// (last sent, conversation), those in place inbox to which the team has written.
    ConversationBySent => "conversation-by-sent-1",
    /// (snoozed until, conversation).
    ConversationBySnooze => "conversation-by-snooze-1",
    /// (place, placed at, conversation), those in spam and trash, for retention.
    ConversationByPlacing => "conversation-by-placing-1",
    /// token → conversation. Unique.
    ConversationByToken => "conversation-by-token-1",

    /// message → `Message`.
    Messages => "messages-1",
    /// (conversation, message).
    MessageByConversation => "message-by-conversation-1",
    /// (hash of Message-ID, message), in and out.
    MessageByMessageId => "message-by-message-id-1",
    /// (agent, conversation) → last read `received_seq`.
    Reads => "reads-1",

    /// attachment → `Attachment`.
    Attachments => "attachments-1",
    /// (created_at, attachment), those bound to no message, for the sweep after 24 hours.
    AttachmentUnbound => "attachment-unbound-1",

    /// draft → `Draft`.
    Drafts => "drafts-1",
    /// (author, conversation or 0, kind) → draft. Unique.
    DraftByPlace => "draft-by-place-1",
    /// (conversation, draft).
    DraftByConversation => "draft-by-conversation-1",

    /// suppressed → `Suppressed`.
    Suppressed => "suppressed-1",
    /// e-mail → suppressed. Unique.
    SuppressedByEmail => "suppressed-by-email-1",

    /// auto-replied → `AutoReplied`: who was answered by itself within a day.
    AutoReplied => "auto-replied-1",
    /// address → auto-replied. Unique.
    AutoRepliedByAddress => "auto-replied-by-address-1",
    /// (at, auto-replied), those sent.
    AutoRepliedByTime => "auto-replied-by-time-1",
    /// (domain, at, auto-replied), those sent to addresses that proved nothing.
    AutoRepliedByDomain => "auto-replied-by-domain-1",

    /// job → `Job`.
    Jobs => "jobs-1",
    /// (due_at, job), those not parked.
    JobByDue => "job-by-due-1",

    /// (actor, hash of route and client id) → what was answered: MessagePack of `Answered`.
    ClientIds => "client-ids-1",
    /// (time, the same key), for trimming.
    ClientIdByTime => "client-id-by-time-1",
}

impl Table {
    /// The table as redb knows it.
    pub(super) fn definition(self) -> Definition {
        TableDefinition::new(self.name())
    }
}
