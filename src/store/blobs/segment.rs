//! Segments: append-only files of compressed records.
//!
//! A record is: `FDB1`, one byte of flags (1: zstd), payload length and original length as u32 big-endian,
//! the first 16 bytes of the payload's BLAKE3, the payload. A torn tail after a crash is named by no row; the
//! next record is appended behind it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use super::{Location, NewBlob, Prepared, PreparedKind, pack};
use crate::store::gate::Gate;
use crate::store::{Error, Result};

/// Bytes before a record's payload.
pub(super) const HEADER: usize = 29;
const MAGIC: &[u8; 4] = b"FDB1";
const ZSTD: u8 = 1;
/// Payloads shorter than this are not worth compressing.
const MIN_COMPRESS: usize = 128;

/// Encodes `bytes` as a record.
pub(super) fn record(bytes: &[u8]) -> Vec<u8> {
    let packed = (bytes.len() >= MIN_COMPRESS).then(|| pack::pack(bytes)).flatten();
    let (flags, payload) = match &packed {
        Some(packed) if packed.len() < bytes.len() => (ZSTD, packed.as_slice()),
        _ => (0, bytes),
    };
    let mut out = Vec::with_capacity(HEADER + payload.len());
    out.extend_from_slice(MAGIC);
    out.push(flags);
    out.extend_from_slice(&length(payload).to_be_bytes());
    out.extend_from_slice(&length(bytes).to_be_bytes());
    out.extend_from_slice(&checksum(payload));
    out.extend_from_slice(payload);
    out
}

/// Bytes that a record with a payload of `payload` bytes takes in its segment.
pub(in crate::store) fn record_bytes(payload: u32) -> u64 {
    HEADER as u64 + u64::from(payload)
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn checksum(payload: &[u8]) -> [u8; 16] {
    blake3::hash(payload).as_bytes().first_chunk::<16>().copied().unwrap_or_default()
}

/// Reads a record of `payload` bytes at `offset` and gives its content.
pub(super) fn read(file: &File, offset: u64, payload: u32) -> Result<Vec<u8>> {
    read_record(file, offset, payload).map(|(_, content)| content)
}

/// Reads a record to append it elsewhere.
pub(super) fn copy(file: &File, offset: u64, payload: u32) -> Result<Prepared> {
    let (record, content) = read_record(file, offset, payload)?;
    let hash = *blake3::hash(&content).as_bytes();
    Ok(Prepared { kind: PreparedKind::Record(record), size: content.len() as u64, hash })
}

/// A record with its header, and what is in it.
fn read_record(file: &File, offset: u64, payload: u32) -> Result<(Vec<u8>, Vec<u8>)> {
    let damaged = |what: &str| Error::Damaged(format!("the record at {offset} {what}"));
    let mut record = vec![0; HEADER + payload as usize];
    match file.read_exact_at(&mut record, offset) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(damaged("is cut off")),
        read => read?,
    }
    let content = decode(&record).ok_or_else(|| damaged("does not match its checksum"))?;
    Ok((record, content))
}

fn decode(record: &[u8]) -> Option<Vec<u8>> {
    let (header, payload) = record.split_first_chunk::<HEADER>()?;
    let (magic, rest) = header.split_first_chunk::<4>()?;
    let (flags, rest) = rest.split_first()?;
    let (stored, rest) = rest.split_first_chunk::<4>()?;
    let (size, sum) = rest.split_first_chunk::<4>()?;
    if magic != MAGIC || u32::from_be_bytes(*stored) as usize != payload.len() || checksum(payload) != sum {
        return None;
    }
    let size = u32::from_be_bytes(*size) as usize;
    match *flags {
        0 => Some(payload.to_vec()),
        ZSTD => pack::unpack(payload, size),
        _ => None,
    }
}

/// The file of a segment.
pub(in crate::store) fn path(dir: &Path, segment: u32) -> PathBuf {
    dir.join(format!("segment-{segment:06}"))
}

/// The number of the segment whose file has that name.
pub(super) fn number(name: &str) -> Option<u32> {
    name.strip_prefix("segment-")?.parse().ok()
}

/// A segment as the appender needs it.
pub(in crate::store) trait Log: Send + Sync {
    /// Writes all of `bytes` behind what is there.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync(&self) -> io::Result<()>;
}

/// Zeros written ahead of records. A record that is written over them changes nothing but data, so that the sync of
/// a small one does not wait for the file system's journal. What a crash leaves of them is a torn tail.
const AHEAD: usize = 256 << 10;
/// Writes longer than this bring nothing by it, and are not to be written twice.
const SMALL_WRITE: usize = 64 << 10;

/// A segment on the disk. Cut to its records when it is closed.
struct Segment {
    file: File,
    ends: Mutex<Ends>,
}

/// Where a segment's records and zeros end.
struct Ends {
    records: u64,
    file: u64,
}

impl Log for Segment {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let end = ends.records + bytes.len() as u64;
        if bytes.len() <= SMALL_WRITE && end > ends.file {
            match self.file.write_all_at(&[0; AHEAD], ends.file) {
                Ok(()) => ends.file += AHEAD as u64,
                // There is less room than that: it may do for the record.
                Err(error) if error.kind() == io::ErrorKind::StorageFull => self.file.set_len(ends.file)?,
                Err(error) => return Err(error),
            }
        }
        self.file.write_all_at(bytes, ends.records)?;
        ends.records = end;
        ends.file = ends.file.max(end);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        let ends = self.ends.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Zeros that stay do no harm.
        drop(self.file.set_len(ends.records));
    }
}

/// Opens a segment of a directory for appending, making it when it is not there; gives its length.
pub(in crate::store) type OpenLog = Box<dyn Fn(&Path, u32) -> Result<(Arc<dyn Log>, u64)> + Send>;

/// Appends records, for the writer thread alone.
pub(in crate::store) struct Appender {
    dir: PathBuf,
    open: OpenLog,
    /// Length at which a new segment is begun, bytes.
    segment_bytes: u64,
    segment: u32,
    file: Arc<dyn Log>,
    /// Length of the segment with what is buffered.
    end: u64,
    buffer: Vec<u8>,
    syncer: mpsc::Sender<Arc<dyn Log>>,
    gate: Arc<Gate>,
    unsynced: bool,
}

impl Appender {
    /// Opens the last segment of `dir`, or begins the first.
    pub(in crate::store) fn open(dir: &Path, segment_bytes: u64, open: OpenLog, gate: Arc<Gate>) -> Result<Appender> {
        let mut segment = 1;
        for entry in std::fs::read_dir(dir)? {
            segment = segment.max(entry?.file_name().to_str().and_then(number).unwrap_or_default());
        }
        let (file, end) = open(dir, segment)?;
        Ok(Appender {
            dir: dir.to_path_buf(),
            open,
            segment_bytes,
            segment,
            file,
            end,
            buffer: Vec::new(),
            syncer: start_syncer(Arc::clone(&gate))?,
            gate,
            unsynced: false,
        })
    }

    /// Gives bytes their place; they are written by [`Appender::write`].
    pub(in crate::store) fn place(&mut self, prepared: Prepared) -> Result<NewBlob> {
        let size = prepared.size;
        let location = match prepared.kind {
            PreparedKind::File(file) => Location::File(file.claim()),
            PreparedKind::Record(record) => {
                if self.end >= self.segment_bytes {
                    self.next_segment()?;
                }
                let offset = self.end;
                self.buffer.extend_from_slice(&record);
                self.end += record.len() as u64;
                Location::Segment(self.segment, offset, length(&record).saturating_sub(HEADER as u32))
            }
        };
        Ok(NewBlob { location, size })
    }

    fn next_segment(&mut self) -> Result<()> {
        self.write()?;
        self.file.sync()?;
        self.segment += 1;
        (self.file, self.end) = (self.open)(&self.dir, self.segment)?;
        Ok(())
    }

    /// Writes what was placed.
    pub(in crate::store) fn write(&mut self) -> Result<()> {
        if !self.buffer.is_empty() {
            self.file.append(&self.buffer)?;
            self.unsynced = true;
            self.buffer.clear();
            self.buffer.shrink_to(1 << 20);
        }
        Ok(())
    }

    /// Begins to sync what was written, beside whatever the caller does next. The file of rows is synced only
    /// together with it, see [`Gate`].
    pub(in crate::store) fn start_sync(&mut self) {
        if std::mem::take(&mut self.unsynced) {
            self.gate.close();
            if self.syncer.send(Arc::clone(&self.file)).is_err() {
                self.gate.open(self.file.sync());
            }
        }
    }

    /// Waits until what was written is durable.
    pub(in crate::store) fn finish_sync(&mut self) -> Result<()> {
        Ok(self.gate.wait()?)
    }
}

/// Opens a segment on the disk.
pub(in crate::store) fn open_segment(dir: &Path, segment: u32) -> Result<(Arc<dyn Log>, u64)> {
    let path = path(dir, segment);
    let fresh = !path.exists();
    let file = OpenOptions::new().create(true).truncate(false).write(true).read(true).mode(0o600).open(&path)?;
    if fresh {
        file.sync_all()?;
        File::open(dir)?.sync_all()?;
    }
    let end = file.metadata()?.len();
    Ok((Arc::new(Segment { file, ends: Mutex::new(Ends { records: end, file: end }) }), end))
}

/// Starts a thread that syncs, so that syncing goes on beside everything else.
fn start_syncer(gate: Arc<Gate>) -> Result<mpsc::Sender<Arc<dyn Log>>> {
    let (work, files) = mpsc::channel::<Arc<dyn Log>>();
    std::thread::Builder::new().name(String::from("blob-sync")).spawn(move || {
        while let Ok(file) = files.recv() {
            let synced = file.sync();
            // Before anybody goes on: a segment is cut when it is let go, and that must not come after its next opening.
            drop(file);
            gate.open(synced);
        }
    })?;
    Ok(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_written_over_zeros_and_cut_to_its_records() {
        let dir = tempfile::tempdir().unwrap();
        let length = || std::fs::metadata(path(dir.path(), 1)).unwrap().len();
        let large = vec![1; SMALL_WRITE + 1];
        let (log, end) = open_segment(dir.path(), 1).unwrap();
        assert_eq!((end, length()), (0, 0));
        log.append(b"first").unwrap();
        assert_eq!(length(), AHEAD as u64);
        for _ in 0..5 {
            log.append(&large).unwrap();
        }
        log.append(b"last").unwrap();
        let records = [b"first".to_vec(), large.repeat(5), b"last".to_vec()].concat();
        assert!(length() > records.len() as u64);
        drop(log);
        assert!(std::fs::read(path(dir.path(), 1)).unwrap() == records);
        // What was not closed goes on behind its zeros.
        let (log, end) = open_segment(dir.path(), 1).unwrap();
        assert_eq!(end, records.len() as u64);
        log.append(b"more").unwrap();
        assert_eq!(open_segment(dir.path(), 1).unwrap().1, end + AHEAD as u64);
    }

    #[test]
    fn records_come_back_and_damage_is_seen() {
        for bytes in [Vec::new(), b"short".to_vec(), b"long enough to pack ".repeat(50)] {
            let mut record = record(&bytes);
            assert_eq!(decode(&record), Some(bytes));
            if let Some(last) = record.last_mut() {
                *last ^= 1;
            }
            assert_eq!(decode(&record), None);
        }
        assert_eq!(decode(b"FDB1"), None);
    }
}
