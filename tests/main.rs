//! All integration tests, in one binary: a whole server each, driven from outside.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::type_complexity,
    clippy::disallowed_methods,
    reason = "tests stop at what they did not expect"
)]

mod answering;
mod bench;
mod bounces;
mod channels;
mod clock;
mod composing;
mod crash;
mod demo;
mod direct;
mod doctor;
mod exporting;
mod figures;
mod files;
mod filtering;
mod hostile_dns;
mod hostile_mail;
mod images;
mod importing;
mod interop;
mod joining;
mod live;
mod openapi;
mod pages;
mod permissions;
mod private;
mod probes;
mod receiving;
mod searching;
mod settings;
mod setup;
mod sign_in;
mod space;
mod support;
mod tidy;
mod trust;
mod undo;
mod views;
mod web;
