//! The only door outward: guarded dialling, TLS roots and the certificate that HTTP and SMTP share.
//!
//! Never a word of the domain. Nothing else in the program opens a socket outward.

pub mod address;
pub mod agreed;
pub mod dial;
pub mod fetch;
pub mod resolver;
pub mod roots;

pub use dial::{DialError, Guard, dial, dial_address};
pub use fetch::{FetchError, Limits, fetch};
pub use resolver::Resolver;
