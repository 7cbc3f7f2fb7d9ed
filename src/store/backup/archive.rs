//! Reading an archive that may be anybody's: what is not exactly as the manifest says is refused.
//!
//! No name from the archive is ever used as a path, no link, no extension record and no second member of a
//! name is taken, and no byte beyond the sizes that the manifest gave is given out.

use std::fs::File;
use std::io::{self, Read};

use super::{Entry, MANIFEST, Manifest, Part, refuse};
use crate::store::{Error, Result};

/// Most bytes of a manifest: room for some 300,000 large files.
const MAX_MANIFEST: u64 = 64 << 20;
/// Most bytes of padding behind the last member: what tar writes to fill its record.
const MAX_PADDING: u64 = 64 << 10;

/// Called once with the manifest, before anything else of the archive.
type Accept<'a> = dyn FnMut(&Manifest) -> Result<()> + 'a;
/// Called with each part in the manifest's order, and its bytes.
type Take<'a> = dyn FnMut(&Part, &Entry, &mut dyn Read) -> Result<()> + 'a;

type Unpacked = zstd::stream::read::Decoder<'static, io::BufReader<File>>;

/// Reads a whole archive of a layout up to `known`. When this gives the manifest, every byte was there and right.
pub(super) fn read(file: File, known: u64, accept: &mut Accept<'_>, take: &mut Take<'_>) -> Result<Manifest> {
    let mut archive = tar::Archive::new(unpack(file)?);
    let mut members = archive.entries().map_err(unreadable)?.raw(true);
    let manifest = read_manifest(&mut members)?;
    manifest.examine(known)?;
    accept(&manifest)?;
    for entry in &manifest.files {
        let Some(part) = Part::parse(&entry.name) else { return refuse("a name without meaning".into()) };
        let member = next(&mut members, &entry.name)?;
        if member.header().entry_size().ok() != Some(entry.size) {
            return refuse(format!("{} does not have the size that the manifest says", entry.name));
        }
        let mut input = Hashed { inner: member, hasher: blake3::Hasher::new(), left: entry.size };
        take(&part, entry, &mut input)?;
        if input.left > 0 || input.hasher.finalize().to_hex().as_str() != entry.blake3 {
            return refuse(format!("{} does not match its hash", entry.name));
        }
    }
    if members.next().is_some() {
        return refuse("there is more in it than the manifest says".into());
    }
    end(archive.into_inner())?;
    Ok(manifest)
}

/// Reads the manifest alone.
pub(super) fn manifest(file: File) -> Result<Manifest> {
    let mut archive = tar::Archive::new(unpack(file)?);
    let mut members = archive.entries().map_err(unreadable)?.raw(true);
    read_manifest(&mut members)
}

fn unpack(file: File) -> Result<Unpacked> {
    Ok(zstd::stream::read::Decoder::new(file).map_err(unreadable)?.single_frame())
}

fn read_manifest(members: &mut tar::Entries<'_, Unpacked>) -> Result<Manifest> {
    let member = next(members, MANIFEST)?;
    if member.header().entry_size().map_err(unreadable)? > MAX_MANIFEST {
        return refuse("its manifest is too large".into());
    }
    let mut json = Vec::new();
    member.take(MAX_MANIFEST).read_to_end(&mut json).map_err(unreadable)?;
    serde_json::from_slice(&json).or_else(|error| refuse(format!("its manifest cannot be read: {error}")))
}

/// The next member, which must be a plain file of that name.
fn next<'a>(members: &mut tar::Entries<'a, Unpacked>, name: &str) -> Result<tar::Entry<'a, Unpacked>> {
    let Some(member) = members.next() else { return refuse(format!("it ends where {name} should be")) };
    let member = member.map_err(unreadable)?;
    let header = member.header();
    if header.entry_type() != tar::EntryType::Regular || *header.path_bytes() != *name.as_bytes() {
        let found = String::from_utf8_lossy(&header.path_bytes()).into_owned();
        return refuse(format!("it holds {found:?} where {name} should be"));
    }
    Ok(member)
}

/// Reads to the end: only padding may follow the last member, and nothing the frame.
fn end(mut unpacked: Unpacked) -> Result<()> {
    let mut rest = Vec::new();
    (&mut unpacked).take(MAX_PADDING + 1).read_to_end(&mut rest).map_err(unreadable)?;
    let mut behind = [0];
    let after = unpacked.finish().read(&mut behind).map_err(unreadable)?;
    if rest.len() as u64 > MAX_PADDING || rest.iter().any(|byte| *byte != 0) || after > 0 {
        return refuse("something stands behind its end".into());
    }
    Ok(())
}

/// An archive that cannot be read on: cut off, or not one of ours.
pub(super) fn unreadable(error: io::Error) -> Error {
    Error::Archive(format!("it cannot be read: {error}"))
}

/// A member's bytes, hashed as they go.
struct Hashed<R> {
    inner: R,
    hasher: blake3::Hasher,
    /// Bytes still to come.
    left: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.hasher.update(out.get(..read).unwrap_or_default());
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}
