//! What an operator sets while the server runs.

use std::time::{Duration, Instant};

use crate::server::{Server, raw, run};

/// How long to wait for a running server to notice; far more than the documented second.
const NOTICED: Duration = Duration::from_secs(20);

fn said(arguments: &[&str]) -> String {
    let output = run(arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

fn becomes(server: &Server, path: &str, status: u16) {
    let client = server.client();
    let started = Instant::now();
    while client.status("GET", path) != Some(status) {
        assert!(started.elapsed() < NOTICED, "{path} is not {status}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_running_server_notices() {
    let server = Server::start();
    let data = ["--data", server.data.to_str().unwrap()];
    let (users, ready) = ("/scim/v2/Users", "/health/ready");
    becomes(&server, users, 200);

    let set = [
        "tenant",
        "set",
        "default",
        "fidelity=observed",
        "maintenance=5",
    ];
    let shown = said(&[&set[..], &data].concat());
    assert!(shown.contains("fidelity=observed\n"), "{shown}");
    assert!(shown.contains("maintenance=5\n"), "{shown}");
    becomes(&server, users, 503);
    becomes(&server, ready, 200);
    let off = ["maintenance", "off", "--tenant", "default"];
    said(&[&off[..], &data].concat());
    becomes(&server, users, 200);

    let on = ["maintenance", "on", "--retry-after", "30"];
    assert!(said(&[&on[..], &data].concat()).contains("30 seconds"));
    becomes(&server, users, 503);
    becomes(&server, ready, 503);
    said(&[&["maintenance", "off"][..], &data].concat());
    becomes(&server, ready, 200);
    becomes(&server, users, 200);

    let there = ["tenant", "move", "default", "--to", "https://b.test"];
    assert!(said(&[&there[..], &data].concat()).contains("https://b.test"));
    let get = b"GET /scim/v2/Users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let started = Instant::now();
    loop {
        let answer = raw(server.address, get).unwrap();
        if answer.starts_with("HTTP/1.1 308") {
            break;
        }
        assert!(started.elapsed() < NOTICED, "{answer}");
        std::thread::sleep(Duration::from_millis(20));
    }
    said(&[&["tenant", "move", "default"][..], &data].concat());
    becomes(&server, users, 200);
}

#[test]
fn a_setting_that_is_none_is_refused() {
    let server = Server::start();
    let data = ["--data", server.data.to_str().unwrap()];
    for mistake in ["speed=1", "fidelity=exact", "fidelity"] {
        let set = ["tenant", "set", "default", mistake];
        let output = run(&[&set[..], &data].concat());
        assert_eq!(output.status.code(), Some(2), "{mistake}");
        let name = mistake.split('=').next().unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains(name));
    }
}
