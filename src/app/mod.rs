//! Builds everything from the configuration, lists every job, follower and listener; binds, runs, stops in order.
//!
//! Never logic.
