//! The nouns of the product and their pure rules. Never I/O, async, the current time or randomness.
