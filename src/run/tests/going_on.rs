//! How a run begins, goes on in another process or slice, and ends.
