//! Every route, by list: who may, and with which methods.

use crate::world::{World, ask};

/// Path, methods that read, methods that write.
const SCIM_ROUTES: &[(&str, &[&str], &[&str])] = &[
    ("/scim/v2", &["GET", "HEAD"], &[]),
    ("/scim/v2/", &["GET", "HEAD"], &[]),
    ("/scim/v2/.search", &["POST"], &[]),
    ("/scim/v2/Users", &["GET", "HEAD"], &["POST"]),
    ("/scim/v2/Groups/", &["GET", "HEAD"], &["POST"]),
    ("/scim/v2/Users/.search", &["POST"], &[]),
    ("/scim/v2/Groups/.search", &["POST"], &[]),
    (
        "/scim/v2/Users/x",
        &["GET", "HEAD"],
        &["PUT", "PATCH", "DELETE"],
    ),
    (
        "/scim/v2/Groups/x",
        &["GET", "HEAD"],
        &["PUT", "PATCH", "DELETE"],
    ),
    ("/scim/v2/Schemas", &["GET", "HEAD"], &["POST"]),
    (
        "/scim/v2/Schemas/urn:x",
        &["GET", "HEAD"],
        &["PUT", "DELETE"],
    ),
    ("/scim/v2/ResourceTypes", &["GET", "HEAD"], &["POST"]),
    (
        "/scim/v2/ResourceTypes/User",
        &["GET", "HEAD"],
        &["PUT", "DELETE"],
    ),
    ("/scim/v2/ServiceProviderConfig", &["GET", "HEAD"], &[]),
    ("/scim/v2/Bulk", &[], &["POST"]),
    (
        "/scim/v2/Me",
        &["GET", "HEAD"],
        &["POST", "PUT", "PATCH", "DELETE"],
    ),
];

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

#[tokio::test]
async fn strangers_learn_nothing() {
    let world = World::start().await;
    for (path, reads, writes) in SCIM_ROUTES {
        for method in reads.iter().chain(*writes) {
            let answer = world.send(ask(method, path)).await;
            if path.ends_with("ServiceProviderConfig") {
                assert_eq!(answer.status, 200, "{method} {path}");
                continue;
            }
            assert_eq!(answer.status, 401, "{method} {path}");
            let challenges = answer.header("www-authenticate");
            assert!(
                challenges.contains("Bearer realm=\"civitas\""),
                "{challenges}"
            );
            assert!(
                challenges.contains("Basic realm=\"civitas\""),
                "{challenges}"
            );
            assert!(!challenges.contains("error="), "{challenges}");
            if *method != "HEAD" {
                assert_eq!(answer.scim_error(401), "");
            }
        }
    }
}

#[tokio::test]
async fn readers_do_not_write_and_nobody_does_not_read() {
    let world = World::start().await;
    // What /Me allows depends on whose token it is.
    let of_roles = SCIM_ROUTES.iter().filter(|it| !it.0.ends_with("/Me"));
    for (path, reads, writes) in of_roles {
        let is_definition = path.contains("/Schemas") || path.contains("/ResourceTypes");
        let (short, needs) = if is_definition {
            ("writer", "administer")
        } else {
            ("reader", "write")
        };
        let refused = reads.iter().map(|method| (method, "nobody", "read"));
        for (method, client, scope) in
            refused.chain(writes.iter().map(|method| (method, short, needs)))
        {
            let answer = world.send(ask(method, path).by(client)).await;
            assert_eq!(answer.status, 403, "{method} {path} by {client}");
            let challenge = answer.header("www-authenticate");
            let expected = format!("error=\"insufficient_scope\", scope=\"{scope}\"");
            assert!(challenge.contains(&expected), "{challenge}");
            if *method != "HEAD" {
                assert_eq!(answer.scim_error(403), "");
            }
        }
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_are_not() {
    let world = World::start().await;
    for (path, reads, writes) in SCIM_ROUTES {
        let allowed: Vec<&str> = reads.iter().chain(*writes).copied().collect();
        for method in METHODS.iter().filter(|method| !allowed.contains(method)) {
            let answer = world.send(ask(method, path)).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            let allow = answer.header("allow");
            let mut listed: Vec<&str> = allow.split(", ").collect();
            listed.sort_unstable();
            let mut expected = [allowed.as_slice(), &["OPTIONS"]].concat();
            expected.sort_unstable();
            assert_eq!(listed, expected, "{method} {path}");
            if *method != "HEAD" {
                assert_eq!(answer.scim_error(405), "");
            }
        }
    }
}

#[tokio::test]
async fn options_need_no_credentials() {
    let world = World::start().await;
    for (path, reads, writes) in SCIM_ROUTES {
        let answer = world
            .send(ask("OPTIONS", path).header("If-Match", "\"broken"))
            .await;
        assert_eq!(answer.status, 204, "{path}");
        for method in reads.iter().chain(*writes) {
            assert!(answer.header("allow").contains(method), "{path}");
        }
        let patchable = writes.contains(&"PATCH");
        let types = "application/scim+json, application/json";
        assert_eq!(
            answer.header("accept-patch"),
            if patchable { types } else { "" },
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_not_built_says_so() {
    let world = World::start().await;
    let post = world.send(ask("POST", "/scim/v2/Me").by("admin")).await;
    assert_eq!(post.scim_error(501), "");
    for method in ["DELETE", "TRACE", "QUERY"] {
        let answer = world.send(ask(method, "/scim/v2/Users").by("admin")).await;
        assert_eq!(answer.scim_error(405), "", "{method}");
        assert_eq!(answer.header("allow"), "GET, HEAD, POST, OPTIONS");
    }
    assert_eq!(
        world
            .send(ask("BREW", "/scim/v2/Users").by("admin"))
            .await
            .scim_error(501),
        ""
    );
}

#[tokio::test]
async fn operators_need_no_credentials() {
    let world = World::start().await;
    for path in ["/health/live", "/health/ready", "/metrics"] {
        let answer = world
            .send(ask("GET", path).header("Host", "nowhere.example"))
            .await;
        assert_eq!(answer.status, 200, "{path}");
        let answer = world.send(ask("POST", path)).await;
        assert_eq!(
            (answer.status, answer.header("allow").as_str()),
            (405, "GET, HEAD, OPTIONS")
        );
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
}
