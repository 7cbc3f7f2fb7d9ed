//! The receiver and the delivery over real sockets on the loopback address.

mod abuse;
mod conversation;
mod limits;
mod load;
mod smuggling;
mod stopping;
mod support;
