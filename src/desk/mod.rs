//! Every rule that writes, one file a family: functions over a `Writer`, actor and input in, result out.
//!
//! Never a network call, a channel or HTTP. What is to be sent is said here; how is the channel's.
