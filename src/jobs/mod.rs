//! The durable queue, the periodic table, and the runners of jobs and followers.
//!
//! Never a concrete job or follower: those are listed in `app`.
