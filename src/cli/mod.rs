//! The command line, one file a sub-command.
//!
//! The only room that prints.
