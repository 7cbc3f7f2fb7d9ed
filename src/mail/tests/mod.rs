//! Tests that go through several files of this room.

mod build;
mod corpus;
pub(super) mod cost;
mod parse;
mod vectors;
