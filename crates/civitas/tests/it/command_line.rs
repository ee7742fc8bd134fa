//! Mistakes at the command line explain themselves; a stop is clean.

use std::{net::TcpListener, process::Stdio};

use crate::server::{Server, civitas, run};

fn fails(arguments: &[&str], code: i32, expected: &[&str]) {
    let output = run(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    for part in expected {
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}

#[test]
fn mistakes_explain_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("file"), "not a folder").unwrap();
    std::fs::create_dir(path("rubbish")).unwrap();
    std::fs::write(
        path("rubbish/civitas.db"),
        "this is not a database".repeat(100),
    )
    .unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();

    let serve = ["serve", "--dev", "--listen", "127.0.0.1:0"];
    let data = &path("data");

    fails(&["serve"], 2, &["--config"]);
    fails(&["serve", "--dev", "--listen", "8080"], 2, &["--listen"]);
    let busy = ["serve", "--dev", "--listen", &address, "--data", data];
    fails(&busy, 1, &[&address, "another program has the port"]);
    let below = path("file") + "/data";
    fails(
        &[&serve[..], &["--data", &below]].concat(),
        1,
        &["data folder", &below],
    );
    let store = format!("sqlite:{}", path("rubbish"));
    fails(
        &[&serve[..], &["--store", &store]].concat(),
        1,
        &["rubbish"],
    );
    let other = [&serve[..], &["--store", "mysql:x"]].concat();
    fails(&other, 2, &["--store", "mysql:x"]);
    fails(
        &["tenant", "create", "Bad Name", "--data", data],
        2,
        &["Bad Name"],
    );
    let client = ["client", "create", "x", "--data", data];
    fails(
        &[&client[..], &["--tenant", "nosuch"]].concat(),
        1,
        &["nosuch"],
    );
    fails(&[&client[..], &["--role", "god"]].concat(), 2, &["god"]);
    let unknown = [&client[..], &["--profile", "ldap"]].concat();
    fails(&unknown, 2, &["--profile", "ldap", "entra"]);
    let unknown = [&client[..], &["--off", "op"]].concat();
    fails(&unknown, 2, &["--off", "op-case"]);
    fails(
        &["import", &path("users.xml"), "--data", data],
        1,
        &["users.xml"],
    );
    fails(&["verify", "--data", &path("nowhere")], 1, &["nowhere"]);
}

#[test]
fn a_client_keeps_its_profile() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let client = |arguments: &[&str]| {
        let output = run(&[&["client"], arguments, &["--data", &data]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let created = run(&["tenant", "create", "default", "--data", &data]);
    assert!(created.status.success(), "{created:?}");
    client(&["create", "sync", "--profile", "entra", "--off", "op-case"]);
    assert!(client(&["list"]).ends_with("\tenabled\tentra -op-case\n"));
    client(&["update", "sync", "--on", "op-case", "--off", "country-free"]);
    assert!(client(&["list"]).ends_with("\tenabled\tentra -country-free\n"));
    client(&["update", "sync", "--profile", "okta"]);
    client(&["disable", "sync"]);
    assert!(client(&["list"]).ends_with("\tdisabled\tokta\n"));
}

#[test]
fn secrets_are_made_listed_and_deleted_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let client = |arguments: &[&str]| {
        let output = run(&[&["client"], arguments, &["--data", &data]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = |told: &str| {
        let (_, secret) = told.trim().rsplit_once(' ').unwrap();
        let (id, _) = secret.split_once('.').unwrap();
        (id.to_owned(), secret.to_owned())
    };
    let (first, _) = shown(&client(&["create", "shop", "--application", "Shop"]));
    let add = ["secret", "add", "shop"];
    let more = [
        "--scopes",
        "users,openid",
        "--expires",
        "2100-01-01T00:00:00Z",
    ];
    let (second, secret) = shown(&client(&[&add[..], &more].concat()));
    let listed = client(&["secret", "list", "shop"]);
    assert_eq!(
        listed,
        format!(
            "{first}\tapplication,users,openid\texpires never\n\
             {second}\tusers,openid\texpires 2100-01-01T00:00:00.000Z\n"
        )
    );
    assert!(!listed.contains(&secret));
    client(&["secret", "delete", "shop", &first]);
    assert_eq!(client(&["secret", "list", "shop"]).lines().count(), 1);

    let add = ["client", "secret", "add", "shop", "--data", &data];
    let delete = [
        "client", "secret", "delete", "shop", &first, "--data", &data,
    ];
    fails(&delete, 1, &[&first]);
    fails(
        &[&add[..], &["--scopes", "x"]].concat(),
        2,
        &["--scopes", "users"],
    );
    fails(
        &[&add[..], &["--expires", "x"]].concat(),
        2,
        &["--expires", "1y"],
    );
    let sync = ["client", "secret", "add", "sync", "--data", &data];
    fails(&sync, 1, &["sync"]);
    client(&["create", "sync"]);
    client(&["secret", "add", "sync", "--expires", "1y"]);
    fails(&sync, 1, &["2 secrets"]);
}

#[test]
fn a_configuration_is_checked_key_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("unknown.toml"), "[server]\nlisten_on = \"x\"\n").unwrap();
    std::fs::write(path("value.toml"), "[server]\nlisten = \"8080\"\n").unwrap();
    std::fs::write(path("good.toml"), "[server]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    let check = |name: &str, expected: &[&str]| {
        fails(&["check", "--config", &path(name)], 2, expected);
    };
    check("unknown.toml", &["unknown.toml", "listen_on"]);
    check("value.toml", &["value.toml", "server.listen", "8080"]);
    check("absent.toml", &["absent.toml"]);
    let checked = run(&["check", "--config", &path("good.toml")]);
    assert!(checked.status.success());
}

#[test]
fn production_refuses_development_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("civitas.toml");
    std::fs::write(&file, "").unwrap();
    let output = civitas()
        .args(["serve", "--config", file.to_str().unwrap()])
        .env("CIVITAS_ADMIN_CLIENT_SECRET", "x")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("CIVITAS_ADMIN_CLIENT_SECRET"));
    fails(
        &["serve", "--dev", "--config", file.to_str().unwrap()],
        2,
        &["--dev"],
    );
    let file = file.to_str().unwrap();
    for flag in [&["--ready-file", "ready.json"][..], &["--https"]] {
        let serve = [&["serve", "--config", file][..], flag].concat();
        fails(&serve, 2, &[flag[0], "--config"]);
    }
}

#[test]
fn a_second_server_on_one_folder_is_refused() {
    let server = Server::start();
    let data = server.data.to_str().unwrap();
    fails(
        &["serve", "--dev", "--listen", "127.0.0.1:0", "--data", data],
        1,
        &[data, "in use"],
    );
}

#[test]
fn the_first_curl_is_printed_and_a_stop_is_clean() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = civitas()
        .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path().join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let said: Vec<String> = lines
        .by_ref()
        .map(Result::unwrap)
        .take(20)
        .take_while(|line| !line.contains("filter="))
        .collect();
    let said = said.join("\n");
    for part in ["/scim/v2", "secret", "curl -u", "/oauth2/v1/token"] {
        assert!(said.contains(part), "{said}");
    }
    std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut server = Server::start();
    server.client().user("bj");
    assert!(server.is_running());
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn streams_are_set_up_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = ["--data", &path("data")];
    let said = |arguments: &[&str]| {
        let output = run(&[arguments, &data].concat());
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    };
    let fails = |arguments: &[&str], code: i32, expected: &[&str]| {
        fails(&[arguments, &data].concat(), code, expected);
    };
    said(&["client", "create", "watcher"]);
    let create = ["stream", "create", "watcher"];
    fails(&create, 2, &["--issuer"]);
    let issuer = ["--issuer", "https://id.example/scim/v2"];
    let create = [&create[..], &issuer].concat();
    fails(
        &[&create[..], &["--payload", "x"]].concat(),
        2,
        &["--payload"],
    );
    fails(
        &[&create[..], &["--push", "http://r.example/"]].concat(),
        1,
        &["https"],
    );
    let nobody = [&["stream", "create", "nosuch"][..], &issuer].concat();
    fails(&nobody, 1, &["nosuch"]);
    std::fs::write(path("secret"), "Bearer hush\n").unwrap();
    std::fs::write(path("pem"), "nothing").unwrap();
    let push = [
        "--push",
        "https://r.example/x",
        "--authorization",
        &path("secret"),
    ];
    let pem = path("pem");
    let bad = [&create[..], &push, &["--authorities", &pem]].concat();
    fails(&bad, 2, &["--authorities"]);

    let polled = said(&create);
    let pushed = said(&[&create[..], &push].concat());
    assert!(!pushed.contains("hush"), "{pushed}");
    let id = polled.split_whitespace().nth(1).unwrap();
    let set = said(&["stream", "set", id, "paused", "--reason", "a move"]);
    assert!(set.contains("paused") && set.contains("a move"), "{set}");
    fails(&["stream", "set", id, "off"], 2, &["off"]);
    said(&["stream", "verify", id, "--state", "s"]);
    let rotate = ["stream", "rotate-key"];
    let rotated = said(&rotate);
    assert!(rotated.contains("until"), "{rotated}");
    fails(&rotate, 1, &["another key signs from"]);
    let at_once = said(&[&rotate[..], &["--now"]].concat());
    assert!(at_once.contains("no other key"), "{at_once}");
    let listed = said(&["stream", "list"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("https://r.example/x") && !listed.contains("hush"));
    said(&["stream", "delete", id]);
    fails(&["stream", "delete", id], 1, &[id]);
    assert_eq!(said(&["stream", "list"]).lines().count(), 1);
}
