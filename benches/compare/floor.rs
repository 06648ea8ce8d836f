//! The least that a client of these parts can do: csv in, reqwest out, 64 in progress.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use reqwest::header::CONTENT_TYPE;

use super::roster::each_request;

const UNDER_WAY: usize = 64;

/// Sends every row of the roster once.
pub fn send(base_url: &str, roster: &str) {
    let (requests, receiver) = std::sync::mpsc::sync_channel(1024);
    let roster = std::path::PathBuf::from(roster);
    std::thread::spawn(move || {
        each_request(&roster, |path, body| {
            let _ = requests.send((path, body));
        });
    });
    let client = rosterpatch::send::client_builder()
        .no_proxy()
        .build()
        .expect("a client");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let one = async |(path, body): (String, Vec<u8>)| {
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
        };
        let mut under_way = FuturesUnordered::new();
        loop {
            while under_way.len() < UNDER_WAY
                && let Ok(request) = receiver.recv()
            {
                under_way.push(one(request));
            }
            if under_way.next().await.is_none() {
                return;
            }
        }
    });
}
