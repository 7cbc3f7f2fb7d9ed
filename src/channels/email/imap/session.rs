//! Commands and their answers, on one connection.

use std::time::Duration;

use tokio::time::Instant;

use super::fault::Fault;
use super::folders;
use super::open::Timeouts;
use super::parse::{self, Attributes, Data, Kind, Response, Status};
use super::wire::{Arrived, Io, Wire};
use crate::base::text;

/// Most folders that are listed.
const MAX_LISTED: usize = 1000;
/// Longest words of a server, bytes.
const MAX_WORDS: usize = 400;

/// A connection of any kind.
pub(super) type BoxIo = Box<dyn Io>;

/// A session with a server.
pub(super) struct Session<S> {
    wire: Wire<S>,
    timeouts: Timeouts,
    tag: u64,
    capabilities: Vec<String>,
    /// What it said before it closed the connection.
    goodbye: String,
    /// How many mails the open folder had when something came last.
    pub(super) exists: u32,
    /// Whether something came since it was opened.
    pub(super) news: bool,
}

/// A folder that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    /// Which numbering its mails have.
    pub(super) validity: u32,
    /// The number that the next mail will have.
    pub(super) next: u32,
}

impl<S: Io> Session<S> {
    pub(super) fn new(stream: S, timeouts: Timeouts) -> Session<S> {
        let wire = Wire::new(stream);
        Session { wire, timeouts, tag: 0, capabilities: Vec::new(), goodbye: String::new(), exists: 0, news: false }
    }

    pub(super) fn into_stream(self) -> Option<S> {
        self.wire.into_stream()
    }

    /// Whether the server can do something.
    pub(super) fn can(&self, name: &str) -> bool {
        self.capabilities.iter().any(|known| known == name)
    }

    /// Waits for the greeting.
    pub(super) async fn greeting(&mut self) -> Result<Status, Fault> {
        match self.next(self.timeouts.line, None).await? {
            Response::Untagged(Data::Status(status)) if matches!(status.kind, Kind::Ok | Kind::Preauth) => Ok(status),
            Response::Untagged(Data::Status(status)) => Err(Fault::Closed(words(&status))),
            _ => Err(Fault::Protocol("there is no greeting")),
        }
    }

    /// Asks what the server can do.
    pub(super) async fn capability(&mut self) -> Result<(), Fault> {
        self.capabilities.clear();
        self.command("CAPABILITY").await.map(drop)
    }

    /// Says a command and waits for its end, whatever comes of it.
    pub(super) async fn ask(&mut self, command: &str) -> Result<Status, Fault> {
        self.ask_each(command, |_| {}).await
    }

    /// Says a command that is to succeed.
    pub(super) async fn command(&mut self, command: &str) -> Result<Status, Fault> {
        done(self.ask(command).await?)
    }

    async fn ask_each(&mut self, command: &str, mut each: impl FnMut(Data)) -> Result<Status, Fault> {
        let tag = self.say(command).await?;
        let end = Instant::now() + self.timeouts.command;
        loop {
            match self.next(self.timeouts.line, Some(end)).await? {
                Response::Tagged(of, status) if of == tag => return Ok(status),
                Response::Tagged(..) => return Err(Fault::Protocol("it answers what was not asked")),
                Response::Untagged(data) => each(data),
                Response::Continue => {}
            }
        }
    }

    async fn say(&mut self, command: &str) -> Result<String, Fault> {
        self.tag += 1;
        let tag = format!("a{}", self.tag);
        self.wire.send(format!("{tag} {command}\r\n").as_bytes(), self.timeouts.line).await?;
        Ok(tag)
    }

    /// The next response; what it says about the session is noted.
    async fn next(&mut self, limit: Duration, end: Option<Instant>) -> Result<Response, Fault> {
        let line = Instant::now() + limit;
        let arrived = self.wire.response(end.map_or(line, |end| end.min(line))).await;
        match arrived.map_err(|fault| self.parting(fault))? {
            Arrived::Whole(bytes) => Ok(self.noted(parse::response(&bytes))),
            Arrived::Mail(..) => Err(Fault::Protocol("it sends a mail that was not asked for")),
        }
    }

    fn noted(&mut self, response: Response) -> Response {
        match &response {
            Response::Untagged(Data::Exists(count)) => (self.exists, self.news) = (*count, true),
            Response::Untagged(Data::Capability(words)) => self.capabilities.clone_from(words),
            Response::Untagged(Data::Status(status)) if status.kind == Kind::Bye => self.goodbye = words(status),
            _ => {}
        }
        response
    }

    fn parting(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Closed(_) => Fault::Closed(self.goodbye.clone()),
            other => other,
        }
    }

    /// Says who we are by a mechanism of one message from us.
    pub(super) async fn authenticate(&mut self, mechanism: &str, message: &str) -> Result<Status, Fault> {
        let tag = self.say(&format!("AUTHENTICATE {mechanism}")).await?;
        let end = Instant::now() + self.timeouts.command;
        let mut said = false;
        loop {
            match self.next(self.timeouts.line, Some(end)).await? {
                Response::Tagged(of, status) if of == tag => return Ok(status),
                Response::Tagged(..) => return Err(Fault::Protocol("it answers what was not asked")),
                Response::Untagged(_) => {}
                // A second question says what is wrong; an empty answer ends it.
                Response::Continue => {
                    let line = format!("{}\r\n", if said { "" } else { message });
                    self.wire.send(line.as_bytes(), self.timeouts.line).await?;
                    said = true;
                }
            }
        }
    }

    /// The names of folders that can be opened.
    pub(super) async fn folders(&mut self) -> Result<Vec<String>, Fault> {
        let mut found = Vec::new();
        let status = self.ask_each("LIST \"\" \"*\"", |data| {
            if let Data::List(true, name) = data
                && let Some(name) = folders::decode(&name)
                && found.len() < MAX_LISTED
            {
                found.push(name);
            }
        });
        done(status.await?)?;
        found.sort_by_key(|name| (name != "INBOX", name.to_lowercase()));
        Ok(found)
    }

    /// Opens a folder, to look only where nothing is to be changed.
    pub(super) async fn enter(&mut self, folder: &str, look_only: bool) -> Result<Opened, Fault> {
        let quoted = folder_in_quotes(folder)?;
        let verb = if look_only { "EXAMINE" } else { "SELECT" };
        let (mut validity, mut next) = (None, None);
        self.exists = 0;
        let command = format!("{verb} {quoted}");
        let status = self.ask_each(&command, |data| {
            if let Data::Status(status) = data {
                validity = status.number("UIDVALIDITY").or(validity);
                next = status.number("UIDNEXT").or(next);
            }
        });
        let status = status.await?;
        if status.kind == Kind::No {
            return Err(Fault::FolderMissing(String::from(folder), words(&status)));
        }
        done(status)?;
        let validity = validity.ok_or(Fault::Protocol("the folder's mails have no lasting numbers"))?;
        let next = match next {
            Some(next) => next,
            None => self.last().await?.saturating_add(1),
        };
        self.news = false;
        Ok(Opened { validity, next })
    }

    /// The number of the last mail: for servers that do not say the next one.
    async fn last(&mut self) -> Result<u32, Fault> {
        let mut last = 0;
        if self.exists > 0 {
            self.list("*", |attributes| last = attributes.uid.unwrap_or(last).max(last)).await?;
        }
        Ok(last)
    }

    /// What is said about the mails of a range.
    pub(super) async fn list(&mut self, range: &str, mut each: impl FnMut(Attributes)) -> Result<(), Fault> {
        let command = format!("UID FETCH {range} (UID RFC822.SIZE INTERNALDATE)");
        let status = self.ask_each(&command, |data| {
            if let Data::Fetch(attributes) = data {
                each(attributes);
            }
        });
        done(status.await?).map(drop)
    }

    /// Fetches a mail into `sink`, without marking it. False when it is there no more.
    pub(super) async fn fetch(
        &mut self,
        uid: u32,
        most: u64,
        sink: &mut (dyn FnMut(&[u8]) -> Result<(), Fault> + Send),
    ) -> Result<bool, Fault> {
        let tag = self.say(&format!("UID FETCH {uid} (UID BODY.PEEK[])")).await?;
        let end = Instant::now() + self.timeouts.mail;
        let mut found = false;
        loop {
            let line = end.min(Instant::now() + self.timeouts.line);
            let (mut bytes, mail) = match self.wire.response(line).await.map_err(|fault| self.parting(fault))? {
                Arrived::Whole(bytes) => (bytes, false),
                Arrived::Mail(head, length) => {
                    if found || length > most {
                        return Err(if found { twice() } else { Fault::TooLarge(length) });
                    }
                    self.mail(length, end, sink).await?;
                    // What is read on is as if the mail had been empty.
                    let before = head.iter().rposition(|byte| *byte == b'{').and_then(|at| head.get(..at));
                    ([before.unwrap_or_default(), b"{0}\r\n"].concat(), true)
                }
            };
            if mail {
                bytes = match self.wire.rest(bytes, line.max(Instant::now() + self.timeouts.line)).await? {
                    Arrived::Whole(bytes) => bytes,
                    Arrived::Mail(..) => return Err(twice()),
                };
            }
            match self.noted(parse::response(&bytes)) {
                Response::Tagged(of, status) if of == tag => return done(status).map(|_| found),
                Response::Untagged(Data::Fetch(attributes)) if mail || attributes.body.is_some() => {
                    if found {
                        return Err(twice());
                    }
                    if attributes.uid.is_some_and(|of| of != uid) {
                        return Err(Fault::Protocol("it sends a mail that was not asked for"));
                    }
                    if let (false, Some(body)) = (mail, &attributes.body) {
                        sink(body)?;
                    }
                    found = true;
                }
                Response::Tagged(..) => return Err(Fault::Protocol("it answers what was not asked")),
                _ => {}
            }
        }
    }

    async fn mail(
        &mut self,
        length: u64,
        end: Instant,
        sink: &mut (dyn FnMut(&[u8]) -> Result<(), Fault> + Send),
    ) -> Result<(), Fault> {
        let mut left = length;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            let piece = self.wire.piece(most, end.min(Instant::now() + self.timeouts.line)).await?;
            left -= piece.len() as u64;
            sink(piece)?;
        }
        Ok(())
    }

    /// Waits until the server says that something changed in the open folder, for `limit` at most (RFC 2177).
    pub(super) async fn idle(&mut self, limit: Duration) -> Result<(), Fault> {
        let tag = self.say("IDLE").await?;
        let until = Instant::now() + limit;
        let mut waiting = false;
        while !self.news {
            let patience = if waiting { limit } else { self.timeouts.line };
            match self.next(patience, Some(until)).await {
                Ok(Response::Continue) => waiting = true,
                Ok(Response::Tagged(of, status)) if of == tag => return done(status).map(drop),
                Ok(Response::Tagged(..)) => return Err(Fault::Protocol("it answers what was not asked")),
                Ok(Response::Untagged(Data::Status(status))) if status.kind == Kind::Bye => {
                    return Err(Fault::Closed(words(&status)));
                }
                Ok(Response::Untagged(_)) => {}
                Err(Fault::Silent) if waiting => break,
                Err(fault) => return Err(fault),
            }
        }
        self.wire.send(b"DONE\r\n", self.timeouts.line).await?;
        loop {
            match self.next(self.timeouts.line, None).await? {
                Response::Tagged(of, status) if of == tag => return done(status).map(drop),
                Response::Tagged(..) => return Err(Fault::Protocol("it answers what was not asked")),
                _ => {}
            }
        }
    }

    /// Says goodbye; whether that is heard does not matter.
    pub(super) async fn leave(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(5), self.ask("LOGOUT")).await;
    }
}

fn twice() -> Fault {
    Fault::Protocol("it sends a mail that was not asked for")
}

/// The name of a folder as it stands in a command.
pub(super) fn folder_in_quotes(folder: &str) -> Result<String, Fault> {
    folders::quote(&folders::encode(folder)).ok_or(Fault::Protocol("a folder's name cannot be written"))
}

fn words(status: &Status) -> String {
    text::one_line(&status.words, MAX_WORDS)
}

fn done(status: Status) -> Result<Status, Fault> {
    match status.kind {
        Kind::Ok => Ok(status),
        Kind::Bye => Err(Fault::Closed(words(&status))),
        _ => Err(Fault::Refused(words(&status))),
    }
}
