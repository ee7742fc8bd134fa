//! Internal roles, and who has them.

use serde_json::{Value, json};

use super::{USERS, admin, bare, create, error, path_of, person, put};
use crate::world::{World, ask};

const ROLES: &str = "/openidm/internal/role";

fn by_admin(method: &str, path: &str) -> crate::world::Ask {
    bare(method, path).without("Authorization").by("admin")
}

async fn names(world: &World, query: &str) -> Vec<String> {
    let answer = world.send(bare("GET", &format!("{ROLES}?{query}"))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let rows = answer.json()["result"].as_array().cloned().unwrap();
    let name = |row: &Value| row["name"].as_str().unwrap().to_owned();
    rows.iter().map(name).collect()
}

const ALL: &str = "_queryFilter=true&_pageSize=1000&_fields=condition,description,name,privileges,temporalConstraints";

#[tokio::test]
async fn the_service_has_roles_from_the_beginning() {
    let world = World::start().await;
    let shipped = names(&world, ALL).await;
    assert_eq!(shipped.len(), 7, "{shipped:?}");
    assert_eq!(shipped[0], "openidm-admin");
    let read = world
        .send(bare("GET", &format!("{ROLES}/openidm-reg")))
        .await;
    let role = json!({
        "_id": "openidm-reg", "_rev": "0", "name": "openidm-reg",
        "description": "Anonymous access", "condition": null, "privileges": [],
        "temporalConstraints": [],
    });
    assert_eq!((read.status, read.json()), (200, role));
    // One that a client makes stands beside them, and they stay.
    let path = format!("{ROLES}/helpdesk");
    let privileges = json!([{
        "name": "read", "path": "managed/alpha_user", "permissions": ["VIEW"], "actions": [],
        "accessFlags": [{ "attribute": "userName", "readOnly": true }],
    }]);
    let body = json!({ "name": "helpdesk", "privileges": privileges });
    error(&world.send(put("PUT", &path, &body)).await, 403);
    let made = world.send(admin("PUT", &path, &body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.header("location").ends_with(&path), "{made:?}");
    assert_eq!(made.json()["privileges"], privileges);
    let after = names(&world, ALL).await;
    assert_eq!(after.len(), 8, "{after:?}");
    assert!(shipped.iter().all(|it| after.contains(it)), "{after:?}");
    let page = format!("{ROLES}?_queryFilter=true&_pageSize=5&_sortKeys=-name");
    let page = world.send(bare("GET", &page)).await.json();
    assert_eq!(page["result"][0]["name"], "platform-provisioning");
    let cookie = page["pagedResultsCookie"].as_str().unwrap();
    let rest =
        format!("_queryFilter=true&_pageSize=5&_sortKeys=-name&_pagedResultsCookie={cookie}");
    assert_eq!(names(&world, &rest).await.last().unwrap(), "helpdesk");
    assert_eq!(
        names(
            &world,
            "_queryFilter=_id+eq+%22openidm-admin%22+or+name+sw+%22help%22"
        )
        .await
        .len(),
        2
    );
    let stale = admin("PUT", &path, &body).header("If-Match", "\"0\"");
    error(&world.send(stale).await, 412);
    let replaced = world
        .send(admin("PUT", &path, &json!({ "name": "desk" })))
        .await;
    assert_eq!(
        (replaced.status, &replaced.json()["privileges"]),
        (200, &json!([]))
    );
    assert_eq!(world.send(by_admin("DELETE", &path)).await.status, 200);
    error(&world.send(by_admin("GET", &path)).await, 404);
}

#[tokio::test]
async fn what_the_service_has_by_itself_stays() {
    let world = World::start().await;
    let path = format!("{ROLES}/openidm-cert");
    error(&world.send(by_admin("DELETE", &path)).await, 403);
    let limited = json!({
        "name": "openidm-cert",
        "temporalConstraints": [{ "duration": "2026-01-01T00:00:00Z/2027-01-01T00:00:00Z" }],
    });
    error(&world.send(admin("PUT", &path, &limited)).await, 403);
    let changed = json!({ "name": "openidm-cert", "description": "By certificate" });
    let answer = world.send(admin("PUT", &path, &changed)).await;
    assert_eq!(
        (answer.status, &answer.json()["description"]),
        (200, &json!("By certificate"))
    );
    assert_eq!(names(&world, ALL).await.len(), 7);
    let again = admin("PUT", &path, &changed).header("If-None-Match", "*");
    let told = error(&world.send(again).await, 412);
    assert!(
        told.contains("cn&#61;openidm-cert,ou&#61;roles,ou&#61;internal"),
        "{told}"
    );
}

#[tokio::test]
async fn users_have_internal_roles() {
    let world = World::start().await;
    let (amir, zoe) = (
        create(&world, &person("amir")).await,
        create(&world, &person("zoe")).await,
    );
    let own = format!("{}/authzRoles", path_of(&amir));
    let reference = json!({ "_ref": "internal/role/openidm-admin" });
    assert_eq!(
        error(&world.send(put("POST", &own, &reference)).await, 403),
        "Access denied"
    );
    let user = json!({ "id": amir["_id"] });
    let token = world.user_token(&user, "").await;
    let others = || ask("GET", &path_of(&zoe)).bearer(&token);
    error(&world.send(others()).await, 403);
    let made = world.send(admin("POST", &own, &reference)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let edge = made.json();
    assert_eq!(edge["_ref"], "internal/role/openidm-admin");
    assert_eq!(edge["_refResourceCollection"], "internal/role");
    assert!(edge["_refProperties"]["_id"].is_string(), "{edge}");
    let again = error(&world.send(admin("POST", &own, &reference)).await, 412);
    assert!(again.contains("internal/role/openidm-admin"), "{again}");
    // The other end, and the object itself, show it.
    let members = format!("{ROLES}/openidm-admin/authzMembers?_queryFilter=true&_fields=userName");
    let members = world.send(by_admin("GET", &members)).await.json();
    assert_eq!(members["result"][0]["userName"], "amir", "{members}");
    let read = format!("{}?_fields=authzRoles/*", path_of(&amir));
    let read = world.send(bare("GET", &read)).await.json();
    assert_eq!(
        read["authzRoles"][0]["description"], "Administrative access",
        "{read}"
    );
    // Who has the role of administrators is one.
    assert_eq!(world.send(others()).await.status, 200);
    let login = world
        .send(ask("GET", "/openidm/info/login").bearer(&token))
        .await
        .json();
    let roles = login["authorization"]["roles"].as_array().unwrap();
    assert!(
        roles.contains(&json!("internal/role/openidm-admin")),
        "{login}"
    );
    let edge = format!("{own}/{}", edge["_id"].as_str().unwrap());
    error(&world.send(bare("DELETE", &edge)).await, 403);
    assert_eq!(world.send(by_admin("DELETE", &edge)).await.status, 200);
    error(&world.send(others()).await, 403);
    // With the object, and by patch.
    let patch = json!([{ "operation": "add", "field": "/authzRoles/-", "value": reference }]);
    error(&world.send(put("PATCH", &path_of(&zoe), &patch)).await, 403);
    // However it is spelled.
    let all = json!([{ "_ref": "internal/role/openidm-admin" }]);
    let encoded = json!([{ "operation": "replace", "field": "/authz%52oles", "value": all }]);
    error(
        &world.send(put("PATCH", &path_of(&zoe), &encoded)).await,
        403,
    );
    let patched = world.send(admin("PATCH", &path_of(&zoe), &patch)).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    let mut new = person("noor");
    new["authzRoles"] = json!([{ "_ref": "internal/role/openidm-reg" }]);
    error(&world.send(put("POST", USERS, &new)).await, 403);
    let made = world.send(admin("POST", USERS, &new)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let missing = json!({ "_ref": "internal/role/none" });
    let told = error(&world.send(admin("POST", &own, &missing)).await, 400);
    assert!(told.contains("internal/role/none"), "{told}");
    let wrong = json!({ "_ref": "managed/alpha_role/openidm-reg" });
    error(&world.send(admin("POST", &own, &wrong)).await, 400);
}
