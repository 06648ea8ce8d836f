//! Connections of the console, with a limit for unauthenticated ones.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// The maximum number of unauthenticated connections. A browser has six, and a process may have 1,024 files.
const MOST_STRANGERS: usize = 100;

/// The maximum time for the head of a request and for an idle connection.
const HEAD: Duration = Duration::from_secs(30);

/// The peer of a connection, which is a stranger until a request is accepted.
#[derive(Debug, Clone, Default)]
pub(super) struct Guest {
    is_known: Arc<AtomicBool>,
}

impl Guest {
    /// Records that a request of this connection was accepted.
    pub(super) fn welcome(request: &Request) {
        if let Some(guest) = request.extensions().get::<Guest>() {
            guest.is_known.store(true, Ordering::Relaxed);
        }
    }
}

/// The unauthenticated connections, the oldest first.
#[derive(Default)]
struct Strangers(VecDeque<(Guest, AbortHandle)>);

impl Strangers {
    /// Removes connections that are authenticated or have ended.
    fn update(&mut self) {
        self.0
            .retain(|(guest, task)| !guest.is_known.load(Ordering::Relaxed) && !task.is_finished());
    }

    /// Closes the oldest connection. Returns whether there was one.
    fn end_oldest(&mut self) -> bool {
        let oldest = self.0.pop_front();
        oldest.is_some_and(|(_, task)| {
            task.abort();
            true
        })
    }
}

/// Accepts connections, and closes the oldest unauthenticated one beyond the limit: other accounts of this
/// machine can connect, and must not lock out the browser that has the cookie.
pub(super) async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    let mut strangers = Strangers::default();
    loop {
        let accepted = listener.accept().await;
        strangers.update();
        let Ok((stream, _)) = accepted else {
            // Usually, the process has reached its limit of open files.
            if !strangers.end_oldest() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            tokio::task::yield_now().await;
            continue;
        };
        while strangers.0.len() >= MOST_STRANGERS && strangers.end_oldest() {}
        let guest = Guest::default();
        let task = tokio::spawn(serve_one(stream, router.clone(), guest.clone()));
        strangers.0.push_back((guest, task.abort_handle()));
        // Pending requests are read before further connections are accepted.
        tokio::task::yield_now().await;
    }
}

async fn serve_one(stream: tokio::net::TcpStream, router: Router, guest: Guest) {
    let pages = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(guest.clone());
        pages.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    // Errors here are caused by the client.
    let _ = served.await;
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use axum::routing::get;

    use super::*;

    #[test]
    fn unauthenticated_connections_are_limited_and_lock_out_no_user() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let page = get(|request: Request| async move {
                Guest::welcome(&request);
                "here"
            });
            let router = Router::new().route("/", page);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                serve(listener, router).await
            })
        });
        let connect = || TcpStream::connect(address).unwrap();
        let ask = |stream: &mut TcpStream| {
            stream
                .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                .unwrap();
            let mut answer = Vec::new();
            let mut chunk = [0; 1024];
            while !answer.ends_with(b"here") {
                let read = stream.read(&mut chunk).unwrap();
                assert_ne!(read, 0, "the connection ended");
                answer.extend_from_slice(&chunk[..read]);
            }
        };
        let mut known = connect();
        ask(&mut known);
        let mut strangers: Vec<TcpStream> = Vec::new();
        for _ in 0..3 * MOST_STRANGERS {
            let mut stranger = connect();
            stranger.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
            strangers.push(stranger);
        }
        ask(&mut known);
        ask(&mut connect());
        // They are ended by the server, or this would wait.
        for stranger in &mut strangers[..MOST_STRANGERS] {
            assert!(!matches!(stranger.read(&mut [0; 16]), Ok(1..)));
        }
    }
}
