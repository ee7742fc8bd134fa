//! Nothing is lost under parallel changes.

use std::{collections::HashSet, thread};

use serde_json::json;

use crate::server::{GROUP, Server, USER};

const CLIENTS: usize = 64;

#[test]
fn parallel_adds_of_different_members_all_take_effect() {
    let server = Server::start();
    let client = server.client();
    let group = client.group("staff");
    let users: Vec<String> = (0..CLIENTS)
        .map(|n| client.user(&format!("user{n}")))
        .collect();
    thread::scope(|scope| {
        for user in &users {
            let (client, group) = (server.client().patient(), &group);
            scope.spawn(move || {
                let add = json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]);
                let answer = client.patch(&format!("/Groups/{group}"), &add);
                assert!(matches!(answer.status, 200 | 204), "{}", answer.text);
            });
        }
    });
    let members: HashSet<String> = client.members(&group).into_iter().collect();
    assert_eq!(members, users.into_iter().collect());
}

#[test]
fn of_parallel_writes_with_one_version_exactly_one_succeeds() {
    let server = Server::start();
    let client = server.client();
    for (path, schema, name) in [
        ("/Users", USER, "userName"),
        ("/Groups", GROUP, "displayName"),
    ] {
        let created = client.post(path, &json!({ "schemas": [schema], name: "first" }));
        let body = created.body();
        let tag = body["meta"]["version"].as_str().unwrap().to_owned();
        let path = format!("/scim/v2{path}/{}", body["id"].as_str().unwrap());
        let statuses: Vec<u16> = thread::scope(|scope| {
            let writers: Vec<_> = (0..CLIENTS)
                .map(|n| {
                    let (client, path, tag) = (server.client().patient(), &path, &tag);
                    let body = json!({ "schemas": [schema], name: format!("next{n}") });
                    scope.spawn(move || {
                        client
                            .send_with("PUT", path, &[("If-Match", tag)], Some(&body))
                            .status
                    })
                })
                .collect();
            writers
                .into_iter()
                .map(|writer| writer.join().unwrap())
                .collect()
        });
        let count = |status| statuses.iter().filter(|it| **it == status).count();
        assert_eq!((count(200), count(412)), (1, CLIENTS - 1), "{statuses:?}");
    }
}

#[test]
fn parallel_changes_of_different_attributes_all_take_effect() {
    let server = Server::start();
    let client = server.client();
    let user = client.user("bj");
    let attributes = [
        "title",
        "nickName",
        "displayName",
        "userType",
        "locale",
        "profileUrl",
    ];
    thread::scope(|scope| {
        for attribute in attributes {
            let (client, user) = (server.client().patient(), &user);
            scope.spawn(move || {
                for _ in 0..5 {
                    let replace =
                        json!([{ "op": "replace", "path": attribute, "value": attribute }]);
                    assert_eq!(
                        client.patch(&format!("/Users/{user}"), &replace).status,
                        200
                    );
                }
            });
        }
    });
    let body = client.get(&format!("/Users/{user}")).body();
    for attribute in attributes {
        assert_eq!(body[attribute], attribute);
    }
}

#[test]
fn of_parallel_creations_with_one_user_name_exactly_one_succeeds() {
    let server = Server::start();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let creators: Vec<_> = (0..16)
            .map(|_| {
                let client = server.client().patient();
                let body = json!({ "schemas": [USER], "userName": "bj" });
                scope.spawn(move || client.post("/Users", &body).status)
            })
            .collect();
        creators
            .into_iter()
            .map(|creator| creator.join().unwrap())
            .collect()
    });
    let created = statuses.iter().filter(|status| **status == 201).count();
    assert_eq!(created, 1, "{statuses:?}");
    assert!(
        statuses.iter().all(|status| matches!(status, 201 | 409)),
        "{statuses:?}"
    );
}

/// The first writes of a tenant through a dialect add what that keeps to the tenant's definitions:
/// one of them does, and none is refused for it.
#[test]
fn first_writes_through_a_dialect_are_all_done() {
    let server = Server::start();
    let json = [("Content-Type", "application/json")];
    for (dialect, path) in [
        ("crest", "/openidm/managed/alpha_user?_action=create"),
        ("oracle", "/admin/v1/Users"),
        ("sap", "/scim/Users"),
    ] {
        thread::scope(|scope| {
            for number in 0..CLIENTS {
                let client = server.client().patient();
                scope.spawn(move || {
                    let name = format!("{dialect}{number}");
                    let mail = format!("{name}@example.org");
                    let user = if dialect == "crest" {
                        json!({ "userName": name, "givenName": "A", "sn": "O", "mail": mail })
                    } else {
                        json!({
                            "schemas": [USER], "userName": name,
                            "name": { "givenName": "A", "familyName": "O" },
                            "emails": [{ "value": mail, "type": "work", "primary": true }],
                        })
                    };
                    let body = user.to_string();
                    let answer = client.try_send("POST", path, &json, Some(body.as_bytes()));
                    let answer = answer.unwrap();
                    assert_eq!(answer.status, 201, "{}", answer.text);
                });
            }
        });
    }
}
