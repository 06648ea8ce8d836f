//! Corruption of responses below HTTP: truncated, stalled or reset.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// How the next response on a connection is corrupted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Spoil {
    /// Nothing is written, and the connection is closed.
    Close,
    /// Nothing is written, and the connection is reset.
    Reset,
    /// Invalid HTTP is written instead.
    Garbage,
    /// Only this number of bytes of the body is written.
    Cut(usize),
}

/// A handle with which a request handler corrupts its response.
#[derive(Debug, Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Option<Spoil>>>);

impl Wire {
    /// Corrupts the next response.
    pub(super) fn spoil(&self, how: Spoil) {
        *self.lock() = Some(how);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Spoil>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener whose connections can be corrupted below HTTP.
pub(super) struct SpoilableListener(pub(super) TcpListener);

impl Listener for SpoilableListener {
    type Io = Connection;
    type Addr = Wire;

    async fn accept(&mut self) -> (Connection, Wire) {
        let (stream, _) = Listener::accept(&mut self.0).await;
        let wire = Wire::default();
        let connection = Connection {
            stream,
            wire: wire.clone(),
        };
        (connection, wire)
    }

    fn local_addr(&self) -> io::Result<Wire> {
        Ok(Wire::default())
    }
}

impl Connected<IncomingStream<'_, SpoilableListener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, SpoilableListener>) -> Wire {
        stream.remote_addr().clone()
    }
}

/// A TCP connection that can corrupt a response.
pub(super) struct Connection {
    stream: TcpStream,
    wire: Wire,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(spoil) = *self.wire.lock() else {
            return Pin::new(&mut self.stream).poll_write(context, buffer);
        };
        let part: &[u8] = match spoil {
            Spoil::Close => b"",
            Spoil::Reset => {
                // Closing a socket with a zero linger time resets the connection.
                self.stream.set_zero_linger()?;
                b""
            }
            Spoil::Garbage => b"\x00\xFF\x13 this is no HTTP\r\n\r\n",
            Spoil::Cut(bytes) => {
                let end = buffer.windows(4).position(|four| four == b"\r\n\r\n");
                let head = end.map_or(0, |end| end + 4);
                &buffer[..(head + bytes).min(buffer.len())]
            }
        };
        if !part.is_empty() {
            // The part is small enough for a single write.
            let _ = Pin::new(&mut self.stream).poll_write(context, part)?;
        }
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
