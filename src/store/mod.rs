//! The store: every table, the one writer, the log of changes, blobs. Only this room names redb.
