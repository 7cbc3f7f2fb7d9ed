//! Compression, with one context a thread: making one costs more than packing a mail.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

/// Fast: what is packed is on its way to an acknowledgement.
const LEVEL: i32 = 1;

thread_local! {
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// `bytes` packed; none when that is not possible.
pub(super) fn pack(bytes: &[u8]) -> Option<Vec<u8>> {
    PACKER.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Compressor::new(LEVEL).ok();
        }
        kept.as_mut()?.compress(bytes).ok()
    })
}

/// What was packed from `size` bytes; none when it is anything else.
pub(super) fn unpack(packed: &[u8], size: usize) -> Option<Vec<u8>> {
    UNPACKER.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Decompressor::new().ok();
        }
        kept.as_mut()?.decompress(packed, size).ok().filter(|bytes| bytes.len() == size)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_that_met_damage_goes_on() {
        let bytes = b"long enough to pack ".repeat(50);
        let packed = pack(&bytes).unwrap();
        for _ in 0..3 {
            assert_eq!(unpack(&packed, bytes.len()).as_ref(), Some(&bytes));
            assert_eq!(unpack(&packed, bytes.len() - 1), None);
            assert_eq!(unpack(b"nothing of the kind", 5), None);
            assert_eq!(pack(&bytes).as_ref(), Some(&packed));
        }
    }
}
