//! The receiver and the delivery over real sockets on the loopback address.

mod abuse;
mod capture;
mod certificates;
mod conversation;
mod delivery;
mod limits;
mod load;
mod smuggling;
mod splitting;
mod starttls;
mod stopping;
mod support;
