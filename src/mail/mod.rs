//! E-mail as a format: parse, build, thread ids, folded quotes, clean HTML. Bytes in, values out.
//!
//! Never a socket, never the store. Parsing never fails: it gives a value plus its defects.
