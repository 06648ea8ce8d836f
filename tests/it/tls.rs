//! TLS, certificates and proxies, with a TLS server in the test process.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::harness::{Folder, Server, plain_roster, respond, stderr, stdout};

/// A server that accepts every request over TLS, as `localhost`.
struct TlsServer {
    port: u16,
    certificate: PathBuf,
    requests: Arc<AtomicUsize>,
}

impl TlsServer {
    fn start(folder: &Folder) -> TlsServer {
        TlsServer::speaking(folder, &[])
    }

    /// Starts a server that negotiates only these protocols (ALPN, RFC 7301).
    fn speaking(folder: &Folder, protocols: &[&str]) -> TlsServer {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let certificate = folder.write("root.pem", made.cert.pem());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        config.alpn_protocols = protocols.collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    let (acceptor, counted) = (acceptor.clone(), counted.clone());
                    tokio::spawn(async move {
                        let Ok(mut stream) = acceptor.accept(stream).await else {
                            return;
                        };
                        let mut seen = Vec::new();
                        let mut chunk = [0; 4096];
                        // A request with a body ends with a brace; a GET has no body.
                        let is_whole = |seen: &[u8]| {
                            let asks = seen.starts_with(b"GET ") && seen.ends_with(b"\r\n\r\n");
                            asks || seen.ends_with(b"}")
                        };
                        while !is_whole(&seen) {
                            match stream.read(&mut chunk).await {
                                Ok(read) if read > 0 => seen.extend_from_slice(&chunk[..read]),
                                _ => return,
                            }
                        }
                        counted.fetch_add(1, Ordering::SeqCst);
                        let answer =
                            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                        let _ = stream.write_all(answer).await;
                        let _ = stream.shutdown().await;
                    });
                }
            });
        });
        TlsServer {
            port,
            certificate,
            requests,
        }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn import(folder: &Folder, url: &str, more: &[&str], variables: &[(&str, &str)]) -> Output {
    let once = [&["--max-attempts", "1"], more].concat();
    folder.import_to("r.csv", url, &once, variables)
}

#[test]
fn a_server_that_negotiates_http_2_but_speaks_http_1_is_unreachable() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3));
    let server = TlsServer::speaking(&folder, &["h2"]);
    let url = format!("https://localhost:{}", server.port);
    let root = server.certificate.display().to_string();
    let output = import(&folder, &url, &["--ca-cert", &root], &[]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(6), "{told}");
    assert!(!told.contains("panicked"), "{told}");
    let rows = folder.csv("r.results.csv", b',');
    assert!(
        rows[1..]
            .iter()
            .all(|row| ["failed", "not_sent"].contains(&&*row[5])),
        "{rows:?}"
    );
}

#[test]
fn certificates_are_verified_and_a_root_can_be_added() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3));
    let server = TlsServer::start(&folder);
    let url = format!("https://localhost:{}", server.port);
    let output = import(&folder, &url, &[], &[]);
    assert_eq!(
        output.status.code(),
        Some(6),
        "nobody vouches for it: {}",
        stderr(&output)
    );
    let told = stderr(&output);
    assert!(told.contains("its certificate is not trusted"), "{told}");
    assert!(told.contains(&url) && !told.contains("resume"), "{told}");
    assert_eq!(server.requests(), 0);

    let root = server.certificate.display().to_string();
    let output = import(&folder, &url, &["--ca-cert", &root], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.requests(), 3);

    // The certificate is for another host name.
    let other = format!("https://127.0.0.1:{}", server.port);
    let output = import(&folder, &other, &["--ca-cert", &root, "--all"], &[]);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert_eq!(server.requests(), 3);

    folder.write("none.pem", "no PEM certificate");
    let output = import(&folder, &url, &["--ca-cert", "none.pem"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("--ca-cert"), "{}", stderr(&output));
}

#[test]
fn a_machine_without_a_certificate_store_can_still_send() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    let server = Server::start(|_| respond(200, &[], "{}"));
    let nowhere = [("SSL_CERT_FILE", "nowhere"), ("SSL_CERT_DIR", "nowhere")];
    let output = import(&folder, &server.base_url, &[], &nowhere);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn https_uses_the_proxy_from_the_environment() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    let server = TlsServer::start(&folder);
    // A proxy that supports only CONNECT.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let carried = Arc::new(AtomicUsize::new(0));
    let counted = carried.clone();
    let port = server.port;
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let counted = counted.clone();
            std::thread::spawn(move || {
                let mut client = client.unwrap();
                let mut asked = Vec::new();
                let mut byte = [0];
                while !asked.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap_or(0) > 0 {
                    asked.push(byte[0]);
                }
                if !asked.starts_with(b"CONNECT localhost:") {
                    return;
                }
                counted.fetch_add(1, Ordering::SeqCst);
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                let mut there = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let (mut up, mut back) = (client.try_clone().unwrap(), there.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut up, &mut back));
                let _ = std::io::copy(&mut there, &mut client);
            });
        }
    });
    let url = format!("https://localhost:{port}");
    let root = server.certificate.display().to_string();
    let output = import(
        &folder,
        &url,
        &["--ca-cert", &root],
        &[("HTTPS_PROXY", &proxy)],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.requests(), 2);
    assert!(
        carried.load(Ordering::SeqCst) > 0,
        "nothing went through the proxy"
    );
}

/// Returns the doctor's output for an API without credentials.
fn examine(folder: &Folder, url: &str, more: &[&str], variables: &[(&str, &str)]) -> String {
    let arguments = ["doctor", "--target", "meitner", "--base-url", url];
    let mut program = folder.program();
    program.args(arguments).args(more);
    let output = program.envs(variables.iter().copied()).output().unwrap();
    let told = stdout(&output);
    assert_eq!(output.status.code(), Some(6), "{told}");
    assert!(told.contains("✗ credentials"), "{told}");
    told
}

#[test]
fn the_doctor_checks_tls_without_credentials() {
    let folder = Folder::new();
    let server = TlsServer::start(&folder);
    let url = format!("https://localhost:{}", server.port);
    let told = examine(&folder, &url, &[], &[]);
    for part in [
        "✓ name",
        "✗ network",
        "issuer",
        "firewall",
        "--ca-cert FILE",
        "ca_cert",
    ] {
        assert!(told.contains(part), "{part} not in {told}");
    }
    assert_eq!(server.requests(), 0);

    let root = server.certificate.display().to_string();
    let told = examine(&folder, &url, &["--ca-cert", &root], &[]);
    for part in ["✓ network", "TLS handshake completed", "? sign-in"] {
        assert!(told.contains(part), "{part} not in {told}");
    }
    assert_eq!(server.requests(), 1);

    // Another root certificate does not help with a wrong host name.
    let other = format!("https://127.0.0.1:{}", server.port);
    let told = examine(&folder, &other, &["--ca-cert", &root], &[]);
    assert!(
        told.contains("✗ network") && !told.contains("--ca-cert"),
        "{told}"
    );
}

#[test]
fn the_doctor_names_an_unreachable_or_refusing_proxy() {
    let folder = Folder::new();
    let url = "https://api.example.invalid";
    let away = "http://anna:hunter2@127.0.0.1:1";
    let told = examine(&folder, url, &[], &[("HTTPS_PROXY", away)]);
    for part in ["✗ proxy", "http://127.0.0.1:1", "refused", "NO_PROXY"] {
        assert!(told.contains(part), "{part} not in {told}");
    }
    for part in ["anna", "hunter2", " name ", " network ", url] {
        assert!(!told.contains(part), "{part} in {told}");
    }
    let beside = [("ALL_PROXY", away), ("NO_PROXY", "example.invalid")];
    let told = examine(&folder, url, &[], &beside);
    assert!(
        told.contains("✗ name") && !told.contains(" proxy "),
        "{told}"
    );

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut asked = Vec::new();
            let mut byte = [0];
            while !asked.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap_or(0) > 0 {
                asked.push(byte[0]);
            }
            let refusal =
                b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
            let _ = client.write_all(refusal);
        }
    });
    let proxy = format!("http://anna:hunter2@{at}");
    let told = examine(&folder, url, &[], &[("HTTPS_PROXY", &proxy)]);
    let refused = format!("the proxy http://{at} does not connect to {url}");
    for part in ["✓ proxy", "✗ proxy", &refused] {
        assert!(told.contains(part), "{part} not in {told}");
    }
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn plain_http_to_another_machine_is_refused() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(1));
    for (url, exit) in [
        ("http://192.0.2.1/v1", 1),
        ("http://api.example.se", 1),
        // Addresses that rosterpatch cannot send to.
        ("ftp://127.0.0.1", 2),
        ("x", 2),
    ] {
        let output = import(&folder, url, &[], &[]);
        assert_eq!(
            output.status.code(),
            Some(exit),
            "{url}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains("cannot be used"),
            "{}",
            stderr(&output)
        );
    }
}
