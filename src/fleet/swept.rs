use crate::model::{Fact, Summary};

/// What a sweep did with a file.
#[derive(Debug)]
pub enum SweptFile {
    /// It was put into the queue, under this number.
    Enqueued(i64),
    /// It waits there.
    Waiting,
    /// A guard holds its run, or somebody has to see to it.
    Held {
        /// The run.
        run: String,
        /// Why.
        why: Fact,
    },
    /// Its run has ended; it and its results were put away.
    Ended(Box<Summary>),
    /// It could not be read, and was put aside.
    Failed(Fact),
}
