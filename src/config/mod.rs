//! The configuration file: one struct a section, documented where it is defined, checked once.
//!
//! Never read anywhere but at start.
