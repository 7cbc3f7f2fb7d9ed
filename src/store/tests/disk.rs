//! A disk that remembers in which order things were written and synced, that can lose what was not synced,
//! and that can fail. The file of rows is in memory; segments are real files, because blobs are read by path.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::{BackendError, StorageBackend};

use super::script::Numbers;
use crate::store::blobs::{Log, OpenLog, segment_path};
use crate::store::gate::Gated;
use crate::store::open::{DATABASE, Parts};
use crate::store::{Result, Settings, Store};

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Something that reached the disk.
#[derive(Clone, Debug)]
pub(in crate::store) enum Event {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
    Append(u32, Vec<u8>),
    SyncSegment(u32),
    /// All changes up to this one were told to be durable.
    Acknowledged(u64),
}

/// Which call fails.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Fault {
    /// The number of the first call that does.
    pub(in crate::store) at: u64,
    pub(in crate::store) errno: i32,
    /// Whether all later ones do too.
    pub(in crate::store) lasting: bool,
}

#[derive(Debug, Default)]
struct State {
    rows: Vec<u8>,
    events: Vec<Event>,
    calls: u64,
    fault: Option<Fault>,
    /// How many calls failed.
    failed: u64,
}

impl State {
    fn call(&mut self) -> io::Result<()> {
        self.calls += 1;
        match self.fault {
            Some(fault) if self.calls == fault.at || (fault.lasting && self.calls > fault.at) => {
                self.failed += 1;
                Err(io::Error::from_raw_os_error(fault.errno))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Disk(Arc<Mutex<State>>);

impl Disk {
    pub(in crate::store) fn new(rows: Vec<u8>, fault: Option<Fault>) -> Disk {
        Disk(Arc::new(Mutex::new(State { rows, fault, ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(in crate::store) fn acknowledge(&self, change: u64) {
        self.state().events.push(Event::Acknowledged(change));
    }

    pub(in crate::store) fn events(&self) -> Vec<Event> {
        self.state().events.clone()
    }

    pub(in crate::store) fn rows(&self) -> Vec<u8> {
        self.state().rows.clone()
    }

    pub(in crate::store) fn has_failed(&self) -> bool {
        self.state().failed > 0
    }

    /// Opens a store in `dir` whose rows and segments are on this disk.
    pub(in crate::store) fn open(&self, dir: &Path, settings: &Settings) -> Result<Arc<Store>> {
        // What opening looks for to tell a store from an empty directory.
        std::fs::write(dir.join(DATABASE), b"in memory").unwrap();
        let (rows, segments) = (self.clone(), self.clone());
        let parts = Parts {
            database: Box::new(move |builder, _, gate| builder.create_with_backend(Gated { rows, gate })),
            segments: segments.open_log(),
            ..Parts::default()
        };
        Store::open_with(dir, settings, parts)
    }

    fn open_log(self) -> OpenLog {
        Box::new(move |dir, number| {
            let file = OpenOptions::new().create(true).append(true).open(segment_path(dir, number))?;
            let end = file.metadata()?.len();
            Ok((Arc::new(Segment { disk: self.clone(), number, file }) as Arc<dyn Log>, end))
        })
    }
}

struct Segment {
    disk: Disk,
    number: u32,
    file: File,
}

impl Log for Segment {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let done = state.call();
        // A disk that fills up takes a part.
        let taken = if done.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        (&self.file).write_all(taken).unwrap();
        state.events.push(Event::Append(self.number, taken.to_vec()));
        done
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.call()?;
        state.events.push(Event::SyncSegment(self.number));
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().rows.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let from = offset as usize;
        let found = state.rows.get(from..from + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        state.call()?;
        state.rows.resize(len as usize, 0);
        state.events.push(Event::SetLen(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        state.call()?;
        state.events.push(Event::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.call()?;
        put(&mut state.rows, offset as usize, data);
        state.events.push(Event::Write(offset, data.to_vec()));
        Ok(())
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<bool, BackendError> {
        Ok(true)
    }

    fn try_lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<bool, BackendError> {
        Ok(true)
    }

    fn lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<(), BackendError> {
        Ok(())
    }

    fn lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<(), BackendError> {
        Ok(())
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<(), BackendError> {
        Ok(())
    }

    fn query_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> std::result::Result<bool, BackendError> {
        Ok(false)
    }
}

fn put(rows: &mut Vec<u8>, at: usize, data: &[u8]) {
    if rows.len() < at + data.len() {
        rows.resize(at + data.len(), 0);
    }
    rows[at..at + data.len()].copy_from_slice(data);
}

/// What is on the disk at one moment of a run: what was synced, and what was not.
#[derive(Default)]
pub(in crate::store) struct Replay {
    synced: Vec<u8>,
    pending: Vec<Event>,
    segments: BTreeMap<u32, Tail>,
}

#[derive(Clone, Default)]
struct Tail {
    bytes: Vec<u8>,
    synced: usize,
}

/// What a power cut leaves.
pub(in crate::store) struct Image {
    pub(in crate::store) rows: Vec<u8>,
    segments: BTreeMap<u32, Vec<u8>>,
}

impl Image {
    /// A data directory of this, with the large blobs of `files`, which were durable before they were named.
    pub(in crate::store) fn put(&self, dir: &Path, files: &Path) {
        let blobs = dir.join("blobs");
        std::fs::create_dir_all(&blobs).unwrap();
        std::os::unix::fs::symlink(files, blobs.join("files")).unwrap();
        for (number, bytes) in &self.segments {
            std::fs::write(segment_path(&blobs, *number), bytes).unwrap();
        }
    }
}

impl Replay {
    /// Starts from a disk that holds this, all of it durable.
    pub(in crate::store) fn new(image: &Image) -> Replay {
        let segments = image.segments.iter();
        let segments = segments.map(|(n, bytes)| (*n, Tail { bytes: bytes.clone(), synced: bytes.len() })).collect();
        Replay { synced: image.rows.clone(), pending: Vec::new(), segments }
    }

    /// As [`Replay::new`], without segments.
    pub(in crate::store) fn rows(rows: Vec<u8>) -> Replay {
        Replay::new(&Image { rows, segments: BTreeMap::new() })
    }

    pub(in crate::store) fn feed(&mut self, event: &Event) {
        match event {
            Event::Write(..) | Event::SetLen(_) => self.pending.push(event.clone()),
            Event::Sync => {
                for event in std::mem::take(&mut self.pending) {
                    apply(&mut self.synced, &event, |_| true);
                }
            }
            Event::Append(number, bytes) => self.segments.entry(*number).or_default().bytes.extend_from_slice(bytes),
            Event::SyncSegment(number) => {
                let tail = self.segments.entry(*number).or_default();
                tail.synced = tail.bytes.len();
            }
            Event::Acknowledged(_) => {}
        }
    }

    /// The power stays: all that was written is there.
    pub(in crate::store) fn all(&self) -> Image {
        let mut rows = self.synced.clone();
        self.pending.iter().for_each(|event| apply(&mut rows, event, |_| true));
        Image { rows, segments: self.segments.iter().map(|(number, tail)| (*number, tail.bytes.clone())).collect() }
    }

    /// Cuts the power: of what was not synced, anything may have reached the disk.
    pub(in crate::store) fn cut(&self, numbers: &mut Numbers) -> Image {
        let mode = numbers.below(4);
        let mut rows = self.synced.clone();
        for event in &self.pending {
            let kept = numbers.below(2) == 0;
            match (mode, event) {
                (0, _) => {}
                (1, _) => apply(&mut rows, event, |_| true),
                (3, Event::Write(..)) => apply(&mut rows, event, |_| numbers.below(2) == 0),
                _ if kept => apply(&mut rows, event, |_| true),
                _ => {}
            }
        }
        let mut segments = BTreeMap::new();
        for (number, tail) in &self.segments {
            let left = tail.bytes.len() - tail.synced;
            let kept = tail.synced + numbers.below(left as u64 + 1) as usize;
            let mut bytes = tail.bytes[..kept].to_vec();
            if numbers.below(3) == 0 {
                // The length came to the disk before the bytes did.
                bytes[tail.synced..].fill(0);
            }
            segments.insert(*number, bytes);
        }
        Image { rows, segments }
    }
}

/// Applies a write, of which sectors that `keeps` refuses do not reach the disk.
fn apply(rows: &mut Vec<u8>, event: &Event, mut keeps: impl FnMut(usize) -> bool) {
    match event {
        Event::SetLen(len) => rows.resize(*len as usize, 0),
        Event::Write(at, data) => {
            let mut from = 0;
            while from < data.len() {
                let position = *at as usize + from;
                let to = (from + SECTOR - position % SECTOR).min(data.len());
                if keeps(position / SECTOR) {
                    put(rows, position, &data[from..to]);
                }
                from = to;
            }
        }
        _ => {}
    }
}
