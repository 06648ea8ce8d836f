//! Shared helpers of the tests of `send`: a server with scripted responses, a virtual clock, and a record of
//! events.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::sync::watch;

use super::backoff::Backoff;
use super::client::{Client, ClientOptions};
use super::credentials::Credentials;
use super::error::SendError;
use super::fetched::Fetched;
use super::pacer::Pacer;
use super::rate::Pace;
use super::stats::Stats;
use super::transport::{SenderOptions, Transport};
use crate::clock::{Clock, Sleep, UnixNanos, VirtualClock};
use crate::events::{Observer, RunEvent};
use crate::targets::TargetSpec;

/// A scripted response.
pub(super) enum Reply {
    /// A status, header lines and a body.
    Answer(u16, &'static [&'static str], String),
    /// The connection is closed without a response.
    Lost,
    /// The server does not respond until the client disconnects.
    Silence,
    /// The next response is delayed by this time.
    After(Duration),
}

/// Returns a response without headers.
pub(super) fn reply(status: u16, body: &str) -> Reply {
    Reply::Answer(status, &[], body.to_owned())
}

/// A client, a pacer and their shared state, with a server.
pub(super) struct Scene {
    pub(super) clock: Arc<VirtualClock>,
    pub(super) client: Client,
    pub(super) spec: Arc<TargetSpec>,
    pub(super) pacer: Pacer,
    pub(super) stats: Stats,
    pub(super) events: Events,
    pub(super) options: SenderOptions,
    pub(super) seen: Arc<Mutex<Vec<String>>>,
    pub(super) base: String,
    pub(super) runtime: tokio::runtime::Runtime,
    began: u64,
}

#[derive(Default)]
pub(super) struct Events(pub(super) Mutex<Vec<RunEvent>>);

impl Observer for Events {
    fn on_event(&self, event: &RunEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// The deviations from the default scene: four attempts, eight concurrent requests, no rate limit.
pub(super) struct Cast {
    pub(super) credentials: Credentials,
    pub(super) max_attempts: u32,
    pub(super) rate: (&'static str, u32),
    pub(super) spec: TargetSpec,
}

impl Default for Cast {
    fn default() -> Cast {
        let mut spec = crate::targets::load("meitner").unwrap();
        // Most scripts respond with arbitrary bodies.
        spec.answers.expects = None;
        Cast {
            credentials: Credentials::find(&spec, |name| Some(name.into())).unwrap(),
            max_attempts: 4,
            rate: ("100/s", 1000),
            spec,
        }
    }
}

pub(super) fn oauth() -> Credentials {
    Credentials::Oauth {
        token_endpoint: "/token".into(),
        scope: None,
        audience: None,
        client_id: "the-id".into(),
        client_secret: "the-secret".into(),
    }
}

impl Scene {
    pub(super) fn new(script: Vec<Reply>) -> Scene {
        Scene::with(Cast::default(), script)
    }

    pub(super) fn with(cast: Cast, script: Vec<Reply>) -> Scene {
        let clock = Arc::new(VirtualClock::starting_at(
            "2026-08-01T12:00:00Z".parse().unwrap(),
        ));
        let (base, seen) = serve(script, clock.clone());
        let options = ClientOptions {
            base_url: format!("{base}/v1/"),
            timeout: Duration::from_secs(10),
            ca_certificates: None,
        };
        let spec = Arc::new(cast.spec);
        let client = Client::new(spec.clone(), cast.credentials, &options, clock.clone());
        let pace = Pace::of(cast.rate.0.parse().unwrap(), cast.rate.1);
        Scene {
            client: client.unwrap(),
            spec,
            pacer: Pacer::new(pace, clock.clone(), None).unwrap(),
            stats: Stats::default(),
            events: Events::default(),
            options: SenderOptions {
                concurrency: 8,
                max_attempts: cast.max_attempts,
                backoff: Backoff::default(),
                grace: Duration::from_secs(10),
            },
            seen,
            base,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            began: clock.now(),
            clock,
        }
    }

    pub(super) fn transport(&self) -> Transport<'_> {
        Transport::new(
            &self.client,
            &self.spec,
            &self.pacer,
            self.clock.as_ref(),
            &self.events,
            self.options,
            &self.stats,
            SmallRng::seed_from_u64(1),
        )
    }

    /// Reads from the API.
    pub(super) fn fetch(&self, transport: &Transport<'_>) -> Fetched {
        let (_halt, halted) = watch::channel(false);
        let fetched: Result<_, SendError> =
            self.runtime
                .block_on(transport.fetch("/student/1", None, &halted));
        fetched.unwrap()
    }

    /// Returns the elapsed seconds.
    pub(super) fn seconds(&self) -> f64 {
        (self.clock.now() - self.began) as f64 / 1e9
    }

    /// Returns the first lines of the received requests.
    pub(super) fn asked(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let first = |request: &String| request.lines().next().unwrap_or_default().to_owned();
        seen.iter().map(first).collect()
    }
}

/// A clock that can be set back, without a monotonic clock.
#[derive(Debug)]
pub(super) struct SetBack(AtomicU64);

impl SetBack {
    pub(super) fn new() -> Arc<SetBack> {
        Arc::new(SetBack(AtomicU64::new(1_785_585_600_000_000_000)))
    }

    pub(super) fn at(&self) -> UnixNanos {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set_back(&self, time: u64) {
        self.0.fetch_sub(time, Ordering::Relaxed);
    }

    pub(super) fn pass(&self, time: u64) {
        self.0.fetch_add(time, Ordering::Relaxed);
    }
}

impl Clock for SetBack {
    fn now(&self) -> UnixNanos {
        self.at()
    }

    fn sleep_until(&self, deadline: UnixNanos) -> Sleep<'_> {
        self.0.fetch_max(deadline, Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }
}

/// Responds to requests in order, according to the script. The listener closes before the last connection
/// ends, so that the next connection is refused.
fn serve(script: Vec<Reply>, clock: Arc<VirtualClock>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = seen.clone();
    std::thread::spawn(move || {
        let mut later = Duration::ZERO;
        let mut listener = Some(listener);
        let mut script = script.into_iter().peekable();
        while let Some(reply) = script.next() {
            if let Reply::After(time) = reply {
                later = time;
                continue;
            }
            let Some(Ok((mut stream, _))) = listener.as_ref().map(TcpListener::accept) else {
                return;
            };
            if script.peek().is_none() {
                listener = None;
            }
            let request = request_of(&mut stream);
            noted.lock().unwrap().push(request);
            if let Reply::Silence = reply {
                let _ = stream.read(&mut [0]);
                continue;
            }
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime
                .unwrap()
                .block_on(clock.sleep(std::mem::take(&mut later)));
            if let Reply::Answer(status, headers, body) = reply {
                let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
                for header in headers {
                    head.push_str(header);
                    head.push_str("\r\n");
                }
                let head = format!("{head}content-length: {}\r\n\r\n", body.len());
                // The client may have stopped reading.
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(body.as_bytes());
            }
        }
    });
    (base, seen)
}

fn request_of(stream: &mut std::net::TcpStream) -> String {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).unwrap_or(0);
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request);
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse::<usize>().unwrap());
        let is_whole = text
            .split_once("\r\n\r\n")
            .is_some_and(|(_, body)| body.len() >= length);
        if read == 0 || is_whole {
            return text.into_owned();
        }
    }
}
