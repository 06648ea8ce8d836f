//! Streams are read with waits that a signal can interrupt.

use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::Refusal;

/// Whether the process was asked to stop.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Ends every wait for data, now and later, so that a signal can end the process.
pub fn stop_waiting() {
    STOPPED.store(true, Ordering::Relaxed);
}

/// A stream without a known end: a FIFO, a terminal, standard input. Waiting for its data ends when
/// [`stop_waiting`] is called.
#[derive(Debug)]
pub struct Stream(From);

#[derive(Debug)]
enum From {
    /// Opened without blocking.
    Opened(File),
    Input(io::Stdin),
}

impl Stream {
    pub(super) fn of(file: File) -> Stream {
        Stream(From::Opened(file))
    }
}

/// Standard input.
pub fn standard_input() -> Stream {
    Stream(From::Input(io::stdin()))
}

#[cfg(unix)]
impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        use rustix::io::Errno;
        use std::os::fd::AsFd;
        let handle = match &self.0 {
            From::Opened(file) => file.as_fd(),
            From::Input(input) => input.as_fd(),
        };
        let pause = Timespec {
            tv_sec: 0,
            tv_nsec: 100_000_000,
        };
        loop {
            if STOPPED.load(Ordering::Relaxed) {
                return Err(Refusal::Stopped.into());
            }
            // A FIFO without a writer yet has nothing to say, where reading it would report its end.
            match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&pause)) {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
            match rustix::io::read(handle, &mut *buffer) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                read => return Ok(read?),
            }
        }
    }
}

#[cfg(not(unix))]
impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if STOPPED.load(Ordering::Relaxed) {
            return Err(Refusal::Stopped.into());
        }
        match &mut self.0 {
            From::Opened(file) => file.read(buffer),
            From::Input(input) => input.read(buffer),
        }
    }
}

/// Reads at most so many bytes, and refuses a source that holds more.
#[derive(Debug)]
pub struct Bounded<R> {
    from: R,
    left: u64,
    most: u64,
}

impl<R: Read> Bounded<R> {
    /// Reads at most `most` bytes of `from`.
    pub fn new(from: R, most: u64) -> Bounded<R> {
        Bounded {
            from,
            left: most,
            most,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(Refusal::TooLarge { most: self.most }.into()),
        }
        Ok(read)
    }
}
