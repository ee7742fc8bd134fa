//! What is configured, and the properties that clients add.

use serde_json::{Value, json};

use super::{USERS, admin, bare, create, error, path_of, person, put};
use crate::world::{World, ask};

const MANAGED: &str = "/openidm/config/managed";
const USER: &str = "/openidm/schema/managed/alpha_user";

async fn get(world: &World, path: &str) -> Value {
    let answer = world.send(bare("GET", path)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("etag"), "", "{path}");
    answer.json()
}

fn named<'v>(configuration: &'v Value, name: &str) -> &'v Value {
    let mut objects = configuration["objects"].as_array().unwrap().iter();
    objects.find(|it| it["name"] == name).unwrap()
}

#[tokio::test]
async fn the_types_are_told() {
    let world = World::start().await;
    let managed = get(&world, MANAGED).await;
    assert_eq!(managed["_id"], "managed");
    let user = &named(&managed, "alpha_user")["schema"];
    assert_eq!(
        user["required"],
        json!(["userName", "givenName", "sn", "mail"])
    );
    assert_eq!(user["title"], "Alpha realm - User");
    let properties = &user["properties"];
    for (property, member, value) in [
        ("sn", "title", json!("Last Name")),
        ("sn", "isPersonal", json!(true)),
        (
            "frIndexedMultivalued3",
            "title",
            json!("Generic Indexed Multivalue 3"),
        ),
        ("frUnindexedString5", "searchable", json!(false)),
        ("password", "scope", json!("private")),
        ("effectiveRoles", "isVirtual", json!(true)),
        ("telephoneNumber", "pattern", json!(r"^\+?([0-9\- \(\)])*$")),
        ("manager", "type", json!("relationship")),
        ("manager", "reversePropertyName", json!("reports")),
    ] {
        assert_eq!(properties[property][member], value, "{property} {member}");
    }
    let roles = &properties["roles"]["items"];
    assert_eq!(roles["reversePropertyName"], "members");
    assert_eq!(roles["resourceCollection"][0]["path"], "managed/alpha_role");
    let schema = get(&world, USER).await;
    assert_eq!(&schema, user);
    for name in [
        "alpha_role",
        "alpha_group",
        "alpha_organization",
        "alpha_assignment",
    ] {
        let schema = get(&world, &format!("/openidm/schema/managed/{name}")).await;
        assert_eq!(schema, named(&managed, name)["schema"], "{name}");
    }
    let all = get(&world, "/openidm/config?_queryFilter=true").await;
    assert_eq!(
        (&all["result"][0], &all["totalPagedResults"]),
        (&managed, &json!(4))
    );
    let empty = json!({ "_id": "sync", "mappings": [] });
    assert_eq!(get(&world, "/openidm/config/sync").await, empty);
    let same = ask("PUT", "/openidm/config/sync").by("admin");
    let same = same.header("Content-Type", "application/json");
    let kept = world.send(same.body(empty.to_string())).await;
    assert_eq!((kept.status, kept.json()), (200, empty));
    let mapped = put(
        "PUT",
        "/openidm/config/sync",
        &json!({ "mappings": [{ "name": "m" }] }),
    );
    let mapped = mapped.without("Authorization").by("admin");
    assert!(error(&world.send(mapped).await, 501).contains("mappings must be empty"));
    let listed = get(&world, "/openidm/config").await;
    assert_eq!(listed["configurations"][0]["pid"], "managed");
    let none = admin("GET", "/openidm/config/none/other", &Value::Null);
    let none = world.send(none).await;
    assert_eq!(error(&none, 404), "Not Found");
    error(
        &world
            .send(bare("GET", "/openidm/schema/managed/none"))
            .await,
        404,
    );
    let system = put(
        "POST",
        "/openidm/system?_action=testConnectorServers",
        &json!({}),
    );
    assert_eq!(world.send(system).await.json(), json!({ "openicf": [] }));
    let info = get(&world, "/environment/info").await;
    assert_eq!(info["cloud"], true);
}

#[tokio::test]
async fn a_client_adds_properties() {
    let world = World::start().await;
    let badge = format!("{USER}/properties/custom_badge");
    let definition = json!({ "title": "Badge", "type": "string" });
    let by = |method: &str, path: &str, body: &Value| {
        put(method, path, body).without("Authorization").by("admin")
    };
    error(&world.send(put("PUT", &badge, &definition)).await, 403);
    let made = world.send(by("PUT", &badge, &definition)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let again = world.send(by("PUT", &badge, &definition)).await;
    assert_eq!(again.status, 200, "{again:?}");
    let mut body = person("amir");
    body["custom_badge"] = json!("blue");
    let user = create(&world, &body).await;
    assert_eq!(user["custom_badge"], "blue");
    let found = format!("{USERS}?_queryFilter=custom_badge%20eq%20%22blue%22");
    let found = world.send(bare("GET", &found)).await.json();
    assert_eq!(found["resultCount"], 1);
    let id = user["_id"].as_str().unwrap();
    let scim = ask("GET", &format!("/scim/v2/Users/{id}")).by("reader");
    let own = "urn:ietf:params:scim:schemas:extension:crest:2.0:User";
    assert_eq!(world.send(scim).await.json()[own]["custom_badge"], "blue");
    for (name, definition, told) in [
        (
            "badge",
            json!({ "type": "string" }),
            "Request content includes unprefixed attributes for alpha_user: [\"badge\"]",
        ),
        (
            "custom_x",
            json!({ "type": "object" }),
            "custom_x: the type of a property is",
        ),
        (
            "custom_badge",
            json!({ "type": "number" }),
            "cannot be changed",
        ),
    ] {
        let path = format!("{USER}/properties/{name}");
        let answer = world.send(by("PUT", &path, &definition)).await;
        assert!(error(&answer, 400).contains(told), "{answer:?}");
    }
    let gone = || bare("DELETE", &badge).without("Authorization").by("admin");
    error(&world.send(gone()).await, 409);
    assert_eq!(
        world.send(bare("DELETE", &path_of(&user))).await.status,
        200
    );
    assert_eq!(world.send(gone()).await.status, 200);
    error(&world.send(gone()).await, 404);
    error(&world.send(bare("GET", &badge)).await, 404);
}

#[tokio::test]
async fn a_configuration_is_taken_out_and_brought_back() {
    let world = World::start().await;
    let mut managed = get(&world, MANAGED).await;
    let bring = |body: &Value| {
        put("PUT", MANAGED, body)
            .without("Authorization")
            .by("admin")
    };
    let same = world.send(bring(&managed)).await;
    assert_eq!((same.status, same.json()), (200, managed.clone()));
    let objects = managed["objects"].as_array_mut().unwrap();
    let role = objects
        .iter_mut()
        .find(|it| it["name"] == "alpha_role")
        .unwrap();
    role["schema"]["properties"]["custom_levels"] =
        json!({ "title": "Levels", "type": "array", "items": { "type": "string" } });
    let brought = world.send(bring(&managed)).await;
    assert_eq!(brought.status, 200, "{brought:?}");
    let body = json!({ "name": "auditor", "custom_levels": ["one", "two"] });
    let made = world
        .send(put("POST", "/openidm/managed/alpha_role", &body))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json()["custom_levels"], json!(["one", "two"]));
    let kept = get(&world, MANAGED).await;
    let levels = &named(&kept, "alpha_role")["schema"]["properties"]["custom_levels"];
    assert_eq!(levels["type"], "array");
    assert_eq!(world.send(bring(&kept)).await.json(), kept);
    let mut other = kept.clone();
    other["objects"][0]["schema"]["required"] = json!([]);
    error(&world.send(bring(&other)).await, 501);
    error(&world.send(bring(&json!({}))).await, 400);
}

#[tokio::test]
async fn clients_keep_configurations() {
    let world = World::start().await;
    let path = "/openidm/config/endpoint/colours";
    let body = json!({ "type": "text/javascript", "source": "1 + 1", "apiKey": "topsecret" });
    let get = || bare("GET", path).without("Authorization").by("admin");
    let exact = admin("PUT", path, &body).header("If-None-Match", "*");
    let made = world.send(exact.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let mut kept = json!({ "_id": "endpoint/colours" });
    for (name, value) in body.as_object().unwrap() {
        kept[name] = value.clone();
    }
    assert_eq!(made.json(), kept);
    assert_eq!(made.header("etag"), "");
    // As the service does.
    let location = "/openidm/config/endpoint/endpoint/colours";
    assert!(made.header("location").ends_with(location), "{made:?}");
    let told = error(&world.send(exact).await, 412);
    assert!(told.starts_with("Can not create a new configuration with ID"));
    assert_eq!(world.send(get()).await.json(), kept);
    let again = world.send(admin("PUT", path, &kept)).await;
    assert_eq!((again.status, again.json()), (200, kept.clone()));
    let operations = json!([{ "operation": "replace", "field": "/source", "value": "2" }]);
    let patched = world.send(admin("PATCH", path, &operations)).await;
    assert_eq!(
        (patched.status, &patched.json()["source"]),
        (200, &json!("2"))
    );
    let tagged = admin("PUT", path, &body).header("If-Match", "\"1\"");
    assert_eq!(
        error(&world.send(tagged).await, 412),
        "Configurations have no revision"
    );
    let absent = admin("PUT", "/openidm/config/none", &body).header("If-Match", "*");
    assert_eq!(error(&world.send(absent).await, 404), "Not Found");
    let query = "/openidm/config?_queryFilter=_id+sw+%22endpoint/%22&_fields=_id";
    let query = || bare("GET", query).without("Authorization");
    let found = world.send(query().by("admin")).await.json();
    assert_eq!(found["result"], json!([{ "_id": "endpoint/colours" }]));
    assert_eq!(found["totalPagedResultsPolicy"], "EXACT");
    // Others neither see nor change it, in whatever view.
    assert_eq!(
        world.send(query().by("reader")).await.json()["resultCount"],
        0
    );
    for ask in [
        bare("GET", path),
        put("PUT", path, &body),
        bare("DELETE", path),
    ] {
        assert_eq!(error(&world.send(ask).await, 403), "Access denied");
    }
    let other = ask("GET", path)
        .header("Host", "other.example.com")
        .by("admin");
    error(&world.send(other).await, 401);
    let seen = ask("GET", "/scim/v2/Configurations?attributes=content").by("reader");
    let seen = world.send(seen).await;
    assert_eq!(seen.json()["totalResults"], 1, "{seen:?}");
    assert!(!seen.json().to_string().contains("topsecret"));
    let delete = || bare("DELETE", path).without("Authorization").by("admin");
    let deleted = world.send(delete()).await;
    assert_eq!(
        (deleted.status, &deleted.json()["source"]),
        (200, &json!("2"))
    );
    assert_eq!(error(&world.send(delete()).await, 404), "Not Found");
    assert_eq!(error(&world.send(get()).await, 404), "Not Found");
}

#[tokio::test]
async fn what_is_the_services_own_is_not_changed() {
    let world = World::start().await;
    let policy = "/openidm/config/fieldPolicy/alpha_user";
    let user = world.user("amir").await;
    let token = world.user_token(&user, "").await;
    let read = world.send(ask("GET", policy).bearer(&token)).await;
    assert_eq!(
        read.json()["validator"][0]["minPasswordLength"],
        8,
        "{read:?}"
    );
    let same = world.send(admin("PUT", policy, &read.json())).await;
    assert_eq!((same.status, same.json()), (200, read.json()));
    let closed = "This operation is not available in PingOne Advanced Identity Cloud.";
    for ask in [
        admin("PUT", policy, &json!({ "validator": [] })),
        admin("DELETE", policy, &json!({})),
        admin("DELETE", "/openidm/config/managed", &json!({})),
        admin("DELETE", "/openidm/config/sync", &json!({})),
    ] {
        assert_eq!(error(&world.send(ask).await, 403), closed);
    }
    // What signs in before anybody has is there for everybody.
    let theme = "/openidm/config/ui/themerealm";
    error(&world.send(ask("GET", theme)).await, 404);
    world.send(admin("PUT", theme, &json!({ "a": 1 }))).await;
    assert_eq!(world.send(ask("GET", theme)).await.json()["a"], 1);
    let write = ask("PUT", theme).header("Content-Type", "application/json");
    assert_eq!(
        error(&world.send(write.body("{}")).await, 401),
        "Access Denied"
    );
}

#[tokio::test]
async fn an_endpoint_that_says_nothing_answers_nothing() {
    let world = World::start().await;
    let path = "/openidm/endpoint/silent?_action=go";
    let go = || put("POST", path, &json!({}));
    assert_eq!(
        error(&world.send(go()).await, 404),
        "Resource &#39;endpoint/silent&#39; not found"
    );
    let config = "/openidm/config/endpoint/silent";
    for (source, status) in [("", 204), ("1", 501)] {
        let body = json!({ "type": "text/javascript", "source": source });
        world.send(admin("PUT", config, &body)).await;
        let answer = world.send(go()).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.body.is_empty(), status == 204);
    }
}
