//! Others on this machine who connect to a console, and are not let in.

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

use crate::console::Console;
use crate::harness::Folder;

#[test]
fn connections_that_say_nothing_keep_nobody_out_of_a_console() {
    let folder = Folder::new();
    let console = Console::open(&folder, &[]);
    // It may have so many files, and no more.
    let limit = Command::new("prlimit")
        .args(["--nofile=200:200", "--pid", &console.id().to_string()])
        .status()
        .unwrap();
    assert!(limit.success());
    let mut strangers = Vec::new();
    for _ in 0..400 {
        let mut stranger = TcpStream::connect(console.host()).unwrap();
        // It may have been ended already.
        let _ = stranger.write_all(b"GET / HTTP/1.1\r\nHost:");
        strangers.push(stranger);
    }
    let cookie = console.enter();
    assert!(console.get(&cookie, "/").starts_with("HTTP/1.1 200"));
}
