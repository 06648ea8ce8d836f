//! Other local users who connect to the console without access.

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

use crate::console::Console;
use crate::harness::Folder;

#[test]
fn idle_connections_do_not_block_the_console() {
    let folder = Folder::new();
    let console = Console::open(&folder, &[]);
    // Limit the console's open files.
    let limit = Command::new("prlimit")
        .args(["--nofile=200:200", "--pid", &console.id().to_string()])
        .status()
        .unwrap();
    assert!(limit.success());
    let mut strangers = Vec::new();
    for _ in 0..400 {
        let mut stranger = TcpStream::connect(console.host()).unwrap();
        // The console may have closed the connection.
        let _ = stranger.write_all(b"GET / HTTP/1.1\r\nHost:");
        strangers.push(stranger);
    }
    let cookie = console.enter();
    assert!(console.get(&cookie, "/").starts_with("HTTP/1.1 200"));
}
