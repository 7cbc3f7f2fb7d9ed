//! Ids, the clock, randomness, secrets that do not print, and text helpers. Never a word of the domain.
