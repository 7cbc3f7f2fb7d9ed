//! The web side: poem routes, who-is-asking as argument types, the live socket, embedded assets.
//!
//! Never a business rule; never a write that is not one desk call.
