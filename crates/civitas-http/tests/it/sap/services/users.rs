//! Users of applications.

use serde_json::json;

use super::{PASSWORD, refused, told, user, world};
use crate::world::{Ask, HOST, PATCH_OP, World, ask};

const XML: &str = "application/vnd.sap-id-service.sp-user-id+xml";

fn register(form: &str) -> Ask {
    ask("POST", "/service/users").by("shop").form(form)
}

#[tokio::test]
async fn a_new_user_is_registered_and_told_where_to_begin() {
    let world = world().await;
    let form =
        "name_id=finn&email=finn%40example.org&first_name=Finn&last_name=Oak&send_email=false";
    let answer = world.send(register(form)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let link = answer.json()["activationLink"].as_str().unwrap().to_owned();
    assert!(
        link.starts_with(&format!("http://{HOST}/ids/activation?token=")),
        "{link}"
    );
    let location = answer.header("location");
    let path = location
        .strip_prefix(&format!("http://{HOST}"))
        .unwrap()
        .to_owned();
    let shown = String::from_utf8(world.send(ask("GET", &path).by("shop")).await.body).unwrap();
    assert!(
        shown.contains(
            "<name_id>finn</name_id><status>new</status><profile_status>new</profile_status>\
             <email>finn@example.org</email><first_name>Finn</first_name><last_name>Oak</last_name>"
        ),
        "{shown}"
    );
    // It is a user of the directory, whom nobody has activated.
    let filter = "/scim/Users?filter=emails+eq+%22finn@example.org%22";
    let found = world.send(ask("GET", filter).by("reader")).await.json();
    let product = "urn:ietf:params:scim:schemas:extension:sap:2.0:User";
    assert_eq!(found["Resources"][0]["active"], false);
    assert_eq!(found["Resources"][0][product]["status"], "new");
    assert_eq!(
        told(&world, "finn@example.org", PASSWORD).await,
        refused("USER_INACTIVE")
    );
    // By the second time it is known, and not told again where to begin.
    let again = world.send(register(form)).await;
    assert_eq!((again.status, again.body.len()), (409, 0));
    let bad = "email=not-an-address&last_name=Oak&send_email=false";
    assert_eq!(world.send(register(bad)).await.status, 400);
}

/// What is sent of a user changes it, or is refused.
async fn check_changes(world: &World, path: &str) {
    let put = |body: &str| {
        let ask = ask("PUT", path).by("shop");
        ask.header("Content-Type", &format!("{XML}; version=1.0"))
            .body(body)
    };
    user(world, "taken").await;
    for (body, status) in [
        ("<user><status>inactive</status></user>", 200),
        ("<user><language>de</language><extra>1</extra></user>", 200),
        ("<user><status>maybe</status></user>", 400),
        ("<user><extra>1</extra></user>", 400),
        ("<user><status>", 400),
        ("", 400),
        ("<user><login_name>taken</login_name></user>", 409),
    ] {
        let answer = world.send(put(body)).await;
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{body}");
    }
    let other = put("<user/>").without("Content-Type");
    for media in [&format!("{XML}; version=2.0"), "application/json"] {
        let answer = world
            .send(other.clone().header("Content-Type", media))
            .await;
        assert_eq!(answer.status, 415, "{media}");
    }
    let shown = String::from_utf8(world.send(ask("GET", path).by("shop")).await.body).unwrap();
    assert!(shown.contains("<status>inactive</status>"), "{shown}");
    assert!(shown.contains("<language>de</language>"), "{shown}");
}

#[tokio::test]
async fn a_known_user_becomes_one_of_an_application() {
    let world = world().await;
    let id = user(&world, "finn").await;
    let form = "name_id=finn+7&email=finn%40example.org&last_name=Oak&valid_to=20270101000000Z\
                &spCustomAttribute2=%3Cb%3E&send_email=true&other=1";
    let answer = world.send(register(form)).await;
    assert_eq!((answer.status, answer.body.len()), (201, 0), "{answer:?}");
    let location = answer.header("location");
    let path = location
        .strip_prefix(&format!("http://{HOST}"))
        .unwrap()
        .to_owned();
    let again = world.send(register(form)).await;
    assert_eq!(
        (again.status, again.header("location")),
        (409, location.clone())
    );
    for query in [
        "name_id=finn%207",
        "name_id=P000000",
        "name_id=finn",
        "mail=finn@example.org",
    ] {
        let found = world
            .send(ask("GET", &format!("/service/users?{query}")).by("shop"))
            .await;
        assert_eq!(
            (found.status, found.header("location")),
            (301, location.clone()),
            "{query}"
        );
    }
    for (query, status) in [("name_id=nobody", 404), ("", 400), ("name_id=", 400)] {
        let found = world
            .send(ask("GET", &format!("/service/users?{query}")).by("shop"))
            .await;
        assert_eq!(found.status, status, "{query}");
    }
    let read = || ask("GET", &path).by("shop");
    let shown = world.send(read()).await;
    assert_eq!(shown.header("content-type"), format!("{XML}; version=1.0"));
    assert_eq!(shown.header("location"), location);
    assert_eq!(
        String::from_utf8(shown.body).unwrap(),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<user>\
             <user_profile_id>P000000</user_profile_id><name_id>finn 7</name_id>\
             <status>active</status><profile_status>active</profile_status>\
             <valid_to>20270101000000Z</valid_to>\
             <activation_time>20260102030405Z</activation_time>\
             <email>finn@example.org</email><first_name>Dora</first_name>\
             <last_name>Finch</last_name><sp_name>shop.example</sp_name>\
             <login_name>finn</login_name><spCustomAttribute2>&lt;b&gt;</spCustomAttribute2>\
             <user_uuid>{id}</user_uuid></user>"
        )
    );
    assert_eq!(
        world
            .send(read().header("Accept", "application/json"))
            .await
            .status,
        406
    );
    check_changes(&world, &path).await;
    // With the last application that a user of the public has, the user goes.
    let answer = world.send(read().method("DELETE")).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(world.send(read()).await.status, 404);
    assert_eq!(world.send(read().method("DELETE")).await.status, 404);
    let gone = world
        .send(ask("GET", &format!("/scim/v2/Users/{id}")).by("reader"))
        .await;
    assert_eq!(gone.status, 404);
    for (method, path) in [("PATCH", path.as_str()), ("DELETE", "/service/users")] {
        let answer = world.send(ask(method, path).by("shop")).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(!answer.header("allow").is_empty());
    }
}

#[tokio::test]
async fn an_assignment_ends_with_its_user() {
    let world = world().await;
    let id = user(&world, "finn").await;
    let answer = world
        .send(register("email=finn@example.org&last_name=Oak"))
        .await;
    let location = answer.header("location");
    let path = location.strip_prefix(&format!("http://{HOST}")).unwrap();
    let user_path = format!("/scim/v2/Users/{id}");
    assert_eq!(
        world
            .send(ask("DELETE", &user_path).by("admin"))
            .await
            .status,
        204
    );
    assert_eq!(world.send(ask("GET", path).by("shop")).await.status, 404);
}

#[tokio::test]
async fn registrations_are_checked() {
    let world = world().await;
    let id = user(&world, "finn").await;
    let long = "x".repeat(65);
    for (form, status) in [
        ("last_name=Oak", 400),
        ("email=finn@example.org", 400),
        (&*format!("email=finn@example.org&last_name={long}"), 400),
        ("email=finn@example.org&last_name=Oak&valid_from=2011", 400),
        ("email=finn@example.org&last_name=Oak&first_name=%ff", 400),
        (
            "email=finn@example.org&last_name=Oak&applicationId=other",
            404,
        ),
        (
            "email=finn@example.org&last_name=Oak&user_profile_id=P000009",
            404,
        ),
        // Who is new is written to.
        ("email=new@example.org&last_name=Oak", 201),
    ] {
        let answer = world.send(register(form)).await;
        assert_eq!(answer.status, status, "{form}: {answer:?}");
    }
    let json = register("").without("Content-Type").json(&json!({}));
    assert_eq!(world.send(json).await.status, 415);
    let inactive = json!({ "schemas": [PATCH_OP], "Operations": [
        { "op": "replace", "path": "active", "value": false },
    ]});
    let path = format!("/scim/v2/Users/{id}");
    world
        .send(ask("PATCH", &path).by("admin").json(&inactive))
        .await;
    let answer = world
        .send(register("email=finn@example.org&last_name=Oak"))
        .await;
    assert_eq!(answer.status, 400, "{answer:?}");
}
