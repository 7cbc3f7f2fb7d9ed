//! The web side: poem routes, who-is-asking as argument types, the live socket, embedded assets.
//!
//! Never a business rule; never a write that is not one desk call.

mod answers;
pub mod api;
pub mod assets;
mod docs;
pub mod headers;
mod live;
mod metrics;
pub mod origin;
pub mod problem;
mod routes;
pub mod server;
pub mod shell;

pub use routes::{bodies, routes};
