//! Worker threads parse blocks in parallel.

use std::io;
use std::sync::mpsc;
use std::thread;

/// Threads that a run needs besides those that read: for the journal, the network, signals and progress.
const OTHERS: usize = 8;

/// Starts the threads that rows are read by: one a processor, or as many as the process may have besides those
/// that a run needs. Without it they start by themselves, and a process that may have none ends in a panic.
///
/// # Errors
/// When not even one can be started.
pub fn start_workers() -> io::Result<()> {
    let most = thread::available_parallelism().map_or(1, usize::from);
    // All are there at once, so that what may be started later is known; each waits for its work.
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
        // It has done nothing that could fail.
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
        // The pool may be there already.
        _ => Ok(()),
    }
}
