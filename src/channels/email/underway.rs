//! Which mails are being read just now, in a file that outlives the process.
//!
//! A mail that ends the process which reads it must be known to the next one. The file is not synced: a power
//! cut may lose it, and a power cut is no mail's fault.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::domain::IncomingId;

/// Bytes of a number in the file: how many mails there are, then their ids, big-endian.
const NUMBER: usize = 8;

/// The note of what is being read.
#[derive(Debug)]
pub(super) struct Underway {
    file: File,
}

impl Underway {
    /// Opens the note in the data directory, and gives what an earlier process left in it.
    pub(super) fn open(data_dir: &Path) -> io::Result<(Underway, Vec<IncomingId>)> {
        let path = data_dir.join("run").join("filing");
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut numbers = bytes.as_chunks::<NUMBER>().0.iter().map(|number| u64::from_be_bytes(*number));
        let count = usize::try_from(numbers.next().unwrap_or_default()).unwrap_or(usize::MAX);
        Ok((Underway { file }, numbers.take(count).map(IncomingId).collect()))
    }

    /// Notes that these are being read, and no others.
    pub(super) fn note(&self, ids: &[IncomingId]) -> io::Result<()> {
        let mut bytes = (ids.len() as u64).to_be_bytes().to_vec();
        bytes.extend(ids.iter().flat_map(|id| id.0.to_be_bytes()));
        // One write, so that the process cannot end in the middle of it.
        self.file.write_all_at(&bytes, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_last_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("run")).unwrap();
        let ids = |numbers: &[u64]| numbers.iter().copied().map(IncomingId).collect::<Vec<_>>();
        let (underway, left) = Underway::open(dir.path()).unwrap();
        assert_eq!(left, []);
        for noted in [ids(&[3, 4, 5]), ids(&[6]), ids(&[])] {
            underway.note(&noted).unwrap();
            assert_eq!(Underway::open(dir.path()).unwrap().1, noted);
        }
    }

    #[test]
    fn a_damaged_note_names_no_more_than_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("run")).unwrap();
        std::fs::write(dir.path().join("run").join("filing"), [0xff; 21]).unwrap();
        assert_eq!(Underway::open(dir.path()).unwrap().1, [IncomingId(u64::MAX)]);
    }
}
