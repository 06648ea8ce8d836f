//! Reading streams with waits that a signal can interrupt.

use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::Refusal;

/// Whether a stop of the process was requested.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Ends all current and future waits for data, so that a signal can end the process.
pub fn stop_waiting() {
    STOPPED.store(true, Ordering::Relaxed);
}

/// A stream without a known end: a FIFO, a terminal or standard input. [`stop_waiting`] interrupts reading.
#[derive(Debug)]
pub struct Stream(From);

#[derive(Debug)]
enum From {
    /// A file opened without blocking.
    Opened(File),
    Input(io::Stdin),
}

impl Stream {
    pub(super) fn of(file: File) -> Stream {
        Stream(From::Opened(file))
    }
}

/// Returns standard input as a stream.
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
            // Without a writer, a read of a FIFO would return its end, so the writer is waited for.
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

/// A reader that fails if its source has more than a given number of bytes.
#[derive(Debug)]
pub struct Bounded<R> {
    from: R,
    left: u64,
    most: u64,
}

impl<R: Read> Bounded<R> {
    /// Limits `from` to `most` bytes.
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
