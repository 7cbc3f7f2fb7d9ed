//! E-mail as a channel: the SMTP receiver and the delivery of replies.
//!
//! Never routing, contacts or threads: what a mail means is the desk's.
