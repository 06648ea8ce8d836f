//! Starts the threads that parse blocks in parallel.

use std::io;
use std::sync::mpsc;
use std::thread;

/// The number of threads that a run needs in addition: for the journal, the network, signals and progress.
const OTHERS: usize = 8;

/// Starts the parsing threads: one per processor, or as many as the process may create in addition to those
/// that a run needs. Otherwise rayon starts them implicitly and panics if it cannot.
/// Returns an error if not even one thread can be started.
pub fn start_workers() -> io::Result<()> {
    let most = thread::available_parallelism().map_or(1, usize::from);
    // All threads are started at once and wait, which shows how many the process may create.
    let mut waiting = Vec::new();
    let mut failed = None;
    while waiting.len() < most + OTHERS {
        let (work, arrives) = mpsc::channel::<rayon::ThreadBuilder>();
        let started = thread::Builder::new().spawn(move || {
            if let Ok(worker) = arrives.recv() {
                worker.run();
            }
        });
        match started {
            Ok(thread) => waiting.push((work, thread)),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    let workers = waiting.split_off(OTHERS.min(waiting.len()));
    for (work, thread) in waiting {
        drop(work);
        // An idle thread cannot have failed.
        let _ = thread.join();
    }
    if let (true, Some(error)) = (workers.is_empty(), failed) {
        return Err(error);
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers.len());
    let mut workers = workers.into_iter();
    let pool = pool.spawn_handler(|worker| match workers.next() {
        Some((work, _)) => work
            .send(worker)
            .map_err(|_| io::ErrorKind::BrokenPipe.into()),
        None => Err(io::ErrorKind::NotFound.into()),
    });
    match pool.build_global() {
        Err(error) if std::error::Error::source(&error).is_some() => Err(io::Error::other(error)),
        // The pool may already exist.
        _ => Ok(()),
    }
}
