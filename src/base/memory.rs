//! Memory that nothing uses goes back to the system.

/// Gives back what the allocator keeps of freed memory. By itself it does so only while it is asked for more: a
/// server at rest after much work would hold it for as long as it rests. Takes a moment.
#[expect(unsafe_code, reason = "the allocator's interface is C, and nothing safe wraps this call")]
pub fn give_back() {
    // SAFETY: no pointer goes in or out, only freed memory is touched, and any thread may call it at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
}
