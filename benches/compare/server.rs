//! A minimal, neutral server that counts requests and responds.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use xxhash_rust::xxh3::xxh3_64;

/// The requests since the last reset.
#[derive(Default)]
struct Seen {
    updates: Cell<u64>,
    reads: Cell<u64>,
    /// An order-independent checksum of every update's path and body.
    sum: Cell<u64>,
    latency: Cell<Duration>,
    /// The ids of the listed records; empty if there are too many to list.
    listed: RefCell<Vec<String>>,
}

/// Serves until killed, on a port that it prints.
pub fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("its address"));
        let _ = std::io::stdout().flush();
        let seen = Rc::new(Seen::default());
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::task::spawn_local(answer_all(stream, seen.clone()));
        }
    });
}

async fn answer_all(mut stream: TcpStream, seen: Rc<Seen>) {
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        let (head, length) = loop {
            if let Some(found) = request_in(&buffer) {
                break found;
            }
            if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
        };
        while buffer.len() < head + length {
            if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
        let first = buffer[..head].split(|byte| *byte == b'\r').next();
        let line = String::from_utf8_lossy(first.unwrap_or_default()).into_owned();
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let answer = answer(&seen, method, path, &buffer[head..head + length]);
        buffer.drain(..head + length);
        if !seen.latency.get().is_zero() && path.starts_with("/student") {
            tokio::time::sleep(seen.latency.get()).await;
        }
        let mut response = Vec::with_capacity(answer.len() + 128);
        let _ = write!(
            response,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        response.extend_from_slice(&answer);
        if stream.write_all(&response).await.is_err() {
            return;
        }
    }
}

/// Returns the lengths of a request's head and body, once the head is complete.
fn request_in(buffer: &[u8]) -> Option<(usize, usize)> {
    let head = memchr::memmem::find(buffer, b"\r\n\r\n")? + 4;
    const NAME: &[u8] = b"content-length:";
    let length = buffer[..head]
        .split(|byte| *byte == b'\n')
        .find(|line| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME))
        .and_then(|line| {
            std::str::from_utf8(&line[NAME.len()..])
                .ok()?
                .trim()
                .parse()
                .ok()
        });
    Some((head, length.unwrap_or(0)))
}

fn answer(seen: &Seen, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    // The API responds with the record, which contains the values that were sent.
    const ID: &[u8] = br#"{"id":"00000000-0000-4000-8000-000000000000","#;
    const META: &[u8] = br#","meta":{"modifiedAt":"2026-08-17T08:00:00Z"}}"#;
    let add = |cell: &Cell<u64>| cell.set(cell.get() + 1);
    match (method, path) {
        ("GET", "/seen") => {
            let (updates, reads) = (seen.updates.get(), seen.reads.get());
            json!({"updates": updates, "reads": reads, "sum": seen.sum.get()})
                .to_string()
                .into_bytes()
        }
        ("POST", "/reset") => {
            let asked: Json = serde_json::from_slice(body).unwrap_or_default();
            let number = |name: &str| asked[name].as_u64().unwrap_or(0);
            seen.updates.set(0);
            seen.reads.set(0);
            seen.sum.set(0);
            seen.latency.set(Duration::from_millis(number("latency")));
            let roster = asked["roster"].as_str().unwrap_or("");
            seen.listed.replace(ids_of(roster));
            b"{}".to_vec()
        }
        ("POST", _) => {
            add(&seen.reads);
            let asked: Json = serde_json::from_slice(body).unwrap_or_default();
            let ids = asked
                .pointer("/filter/contains/id")
                .and_then(Json::as_array);
            let ids: Vec<&str> = ids.into_iter().flatten().filter_map(Json::as_str).collect();
            page(ids.len() as u64, ids.iter().map(ToString::to_string))
        }
        ("GET", _) => {
            add(&seen.reads);
            let number = |name: &str| {
                let (_, rest) = path.split_once(name)?;
                rest.split('&').next()?.parse::<u64>().ok()
            };
            let (limit, offset) = (
                number("limit=").unwrap_or(0),
                number("offset=").unwrap_or(0),
            );
            let listed = seen.listed.borrow();
            let end = listed.len().min((offset + limit) as usize);
            let ids = listed[end.min(offset as usize)..end].iter().cloned();
            // A total that is too large to list for a few rows.
            let total = if listed.is_empty() {
                1 << 40
            } else {
                listed.len()
            };
            page(total as u64, ids)
        }
        _ => {
            add(&seen.updates);
            let request = xxh3_64(path.as_bytes()) ^ xxh3_64(body).rotate_left(1);
            seen.sum.set(seen.sum.get().wrapping_add(request));
            let fields = body
                .strip_prefix(b"{")
                .and_then(|body| body.strip_suffix(b"}"));
            [ID, fields.unwrap_or_default(), META].concat()
        }
    }
}

fn ids_of(roster: &str) -> Vec<String> {
    let Ok(mut reader) = csv::Reader::from_path(roster) else {
        return Vec::new();
    };
    let records = reader.records().flatten();
    records.map(|record| record[0].to_owned()).collect()
}

/// Returns a page of records that differ from every row in every field.
fn page(total: u64, ids: impl Iterator<Item = String>) -> Vec<u8> {
    let records: Vec<String> = ids
        .map(|id| {
            format!(
                r#"{{"id":"{id}","identityNumber":"20010101-2388","identityTemporary":true,"firstName":"-","lastName":"-","gender":"Other","dateOfBirth":"2001-01-01","external":{{"sourceID":"-{id}"}},"address":{{"postalAddress":"-","postalCode":"000 00","postalCity":"-","countryCode":"FIN","municipalityCode":"0001"}},"emailAddress1":"{id}@example.se","phoneNumber1":"+46700000000","eduPersonPrincipalName":"{id}@example.se"}}"#
            )
        })
        .collect();
    format!(
        r#"{{"data":[{}],"pagination":{{"total":{total}}}}}"#,
        records.join(",")
    )
    .into_bytes()
}
