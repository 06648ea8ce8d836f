//! The lower bound for a client of these crates: 64 tasks on one thread share one reader of the roster. Each
//! task sends a row, reads the response and takes the next row, without checks or a journal.

use std::cell::RefCell;
use std::future::Future;
use std::path::Path;
use std::rc::Rc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;

use super::roster::Requests;

const TASKS: usize = 64;

/// Sends every row with reqwest. `plain` disables compression and HTTP/2.
pub fn reqwest(base_url: &str, roster: &str, plain: bool) {
    let mut builder = rosterpatch::send::client_builder().no_proxy();
    if plain {
        builder = builder.no_gzip().http1_only();
    }
    let client = builder.build().expect("a client");
    each_task(roster, async |requests| {
        while let Some((path, body)) = next(&requests) {
            let response = client
                .patch(format!("{base_url}{path}"))
                .header(CONTENT_TYPE, "application/json")
                .header("Client-ID", "sandbox")
                .header("Client-Secret", "sandbox")
                .body(body)
                .send()
                .await
                .expect("an answer");
            assert!(response.status().is_success());
            response.bytes().await.expect("its body");
        }
    });
}

/// Sends every row with hyper, with one connection per task.
pub fn hyper(base_url: &str, roster: &str) {
    let host = base_url.strip_prefix("http://").expect("plain http");
    each_task(roster, async |requests| {
        let stream = tokio::net::TcpStream::connect(host).await;
        let stream = stream.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .expect("a connection");
        tokio::task::spawn_local(connection);
        while let Some((path, body)) = next(&requests) {
            let request = hyper::Request::patch(path)
                .header(HOST, host)
                .header(CONTENT_TYPE, "application/json")
                .header("Client-ID", "sandbox")
                .header("Client-Secret", "sandbox")
                .body(Full::new(Bytes::from(body)))
                .expect("a request");
            let response = sender.send_request(request).await.expect("an answer");
            assert!(response.status().is_success());
            response.into_body().collect().await.expect("its body");
        }
    });
}

fn next(requests: &RefCell<Requests>) -> Option<(String, Vec<u8>)> {
    requests.borrow_mut().next()
}

/// Runs the tasks on this thread until the roster ends.
fn each_task<F: Future<Output = ()>>(roster: &str, task: impl Fn(Rc<RefCell<Requests>>) -> F) {
    let requests = Rc::new(RefCell::new(Requests::of(Path::new(roster))));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let tasks = (0..TASKS).map(|_| task(requests.clone()));
    tokio::task::LocalSet::new().block_on(&runtime, futures_util::future::join_all(tasks));
}
