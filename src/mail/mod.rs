//! E-mail as a format: parse, build, thread ids, folded quotes, clean HTML. Bytes in, values out.
//!
//! Never a socket, never the store. Parsing never fails: it gives a value plus its defects.

pub mod address;
pub mod bounce;
pub mod build;
pub mod clean;
mod decode;
pub mod dkim;
mod dom;
pub mod dress;
mod emit;
pub mod fill;
mod headers;
mod html_quotes;
pub mod mbox;
pub mod names;
pub mod parse;
pub mod parser;
mod policy;
pub mod quotes;
pub mod reply;
pub mod scan;
mod style;
pub mod text;
pub mod thread;
pub mod view;

#[cfg(test)]
mod tests;
