//! Roles, organizations and assignments, and what objects are to each other.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{USERS, bare, create, error, path_of, person, put};
use crate::world::{Answer, World, ask};

const ROLES: &str = "/openidm/managed/alpha_role";
const GROUPS: &str = "/openidm/managed/alpha_group";
const ORGANIZATIONS: &str = "/openidm/managed/alpha_organization";
const ASSIGNMENTS: &str = "/openidm/managed/alpha_assignment";

async fn made(world: &World, collection: &str, id: &str, body: &Value) -> Value {
    let create = put("PUT", &format!("{collection}/{id}"), body).header("If-None-Match", "*");
    let answer = world.send(create).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

async fn get(world: &World, path: &str) -> Value {
    let answer = world.send(bare("GET", path)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn rows(world: &World, path: &str) -> Vec<Value> {
    let query = format!("{path}?_queryFilter=true");
    get(world, &query).await["result"]
        .as_array()
        .unwrap()
        .clone()
}

fn role(id: &str) -> Value {
    json!({ "_ref": format!("managed/alpha_role/{id}"), "_refProperties": {} })
}

fn user_ref(user: &Value) -> Value {
    json!({ "_ref": format!("managed/alpha_user/{}", user["_id"].as_str().unwrap()) })
}

/// The identifiers that rows refer to.
fn referred(rows: &[Value]) -> Vec<&str> {
    let rows = rows.iter();
    let mut ids: Vec<&str> = rows
        .map(|it| it["_refResourceId"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids
}

async fn add(world: &World, path: &str, reference: &Value) -> Answer {
    world
        .send(put("POST", &format!("{path}?_action=create"), reference))
        .await
}

/// The exchange with roles, as clients know it.
#[tokio::test]
async fn a_role_is_made_once() {
    let world = World::start().await;
    let empty = get(&world, &format!("{ROLES}?_queryFilter=true")).await;
    assert_eq!(empty["resultCount"], 0, "before anybody made one");
    let body = json!({ "name": "auditor", "description": "May look" });
    let auditor = made(&world, ROLES, "auditor", &body).await;
    let names: Vec<&String> = auditor.as_object().unwrap().keys().collect();
    assert_eq!(names, ["_id", "_rev", "name", "description"]);
    assert_eq!(auditor["_id"], "auditor");
    let again = put("PUT", &format!("{ROLES}/auditor"), &body).header("If-None-Match", "*");
    let told = error(&world.send(again).await, 412);
    assert_eq!(
        told,
        "Entry Already Exists: The entry &#39;uid&#61;auditor,ou&#61;role,o&#61;alpha,o&#61;root,\
         ou&#61;identities&#39; cannot be added because an entry with that name already exists"
    );
    let taken = world
        .send(put("POST", ROLES, &json!({ "name": "Auditor" })))
        .await;
    error(&taken, 403);
    assert_eq!(
        taken.json()["detail"]["failedPolicyRequirements"][0],
        json!({ "policyRequirements": [{ "policyRequirement": "UNIQUE" }], "property": "name" })
    );
}

#[tokio::test]
async fn a_role_is_granted_and_taken_away() {
    let world = World::start().await;
    made(&world, ROLES, "auditor", &json!({ "name": "auditor" })).await;
    let user = create(&world, &person("amir")).await;
    let path = path_of(&user);
    let of_user = format!("{path}/roles");
    let granted = add(&world, &of_user, &role("auditor")).await;
    assert_eq!(granted.status, 201, "{granted:?}");
    let edge = granted.json();
    let names: Vec<&String> = edge.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "_id",
            "_rev",
            "_ref",
            "_refResourceCollection",
            "_refResourceId",
            "_refProperties",
        ]
    );
    let (id, revision) = (
        edge["_id"].as_str().unwrap(),
        edge["_rev"].as_str().unwrap(),
    );
    assert_eq!(
        edge["_refProperties"],
        json!({ "_id": id, "_rev": revision })
    );
    assert_eq!(edge["_refResourceCollection"], "managed/alpha_role");
    assert_eq!(granted.header("etag"), format!("\"{revision}\""));
    let own = format!("{of_user}/{id}");
    assert!(granted.header("location").ends_with(&own));
    let twice = error(&add(&world, &of_user, &role("auditor")).await, 412);
    assert_eq!(
        twice,
        format!(
            "Managed object &#39;managed/alpha_user/{}&#39; has already been assigned relationship \
             &#39;managed/alpha_role/auditor&#39;.",
            user["_id"].as_str().unwrap()
        )
    );

    let page = get(&world, &format!("{of_user}?_queryFilter=true&_fields=name")).await;
    let row = &page["result"][0];
    let names: Vec<&String> = row.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "_id",
            "_rev",
            "name",
            "_ref",
            "_refResourceCollection",
            "_refResourceId",
            "_refResourceRev",
            "_refProperties",
        ]
    );
    assert_eq!(
        (&row["_id"], &row["name"]),
        (&edge["_id"], &json!("auditor"))
    );
    assert_eq!(page["totalPagedResults"], -1);
    let read = get(&world, &path).await;
    assert_ne!(
        read["_rev"], user["_rev"],
        "a grant is a change of the user"
    );
    assert_eq!(
        referred(read["effectiveRoles"].as_array().unwrap()),
        ["auditor"]
    );
    let members = rows(&world, &format!("{ROLES}/auditor/members")).await;
    assert_eq!(
        members[0]["_id"], edge["_id"],
        "one relationship, seen from its other end"
    );
    assert_eq!(members[0]["_refResourceId"], user["_id"]);
    let whole = get(&world, &format!("{path}?_fields=userName,roles/name")).await;
    assert_eq!(whole["roles"][0]["name"], "auditor");
    assert_eq!(whole["roles"][0]["_ref"], "managed/alpha_role/auditor");
    let references = get(&world, &format!("{path}?_fields=*_ref")).await;
    assert_eq!(references["roles"][0]["_refResourceId"], "auditor");
    assert_eq!(
        (&references["reports"], &references["manager"]),
        (&json!([]), &json!(null))
    );

    let deleted = world.send(bare("DELETE", &own)).await;
    assert_eq!((deleted.status, deleted.json()), (200, edge.clone()));
    error(&world.send(bare("DELETE", &own)).await, 404);
    assert_eq!(rows(&world, &of_user).await, Vec::<Value>::new());
    assert_eq!(get(&world, &path).await["effectiveRoles"], json!([]));
}

#[tokio::test]
async fn what_is_no_relationship_is_refused() {
    let world = World::start().await;
    let user = create(&world, &person("amir")).await;
    made(&world, ROLES, "auditor", &json!({ "name": "auditor" })).await;
    let roles = format!("{}/roles", path_of(&user));
    for (reference, told) in [
        (
            role("none"),
            "The referenced relationship &#39;managed/alpha_role/none&#39;, does not exist",
        ),
        (
            json!({ "_ref": "managed/alpha_group/x" }),
            "is invalid as a relationship reference",
        ),
        (json!({}), "is invalid as a relationship reference"),
        (
            json!({
                "_ref": "managed/alpha_role/auditor",
                "_refProperties": { "_temporalConstraints": [{}, {}] },
            }),
            "Only 1 temporal constraint is supported per grant.",
        ),
    ] {
        let answer = add(&world, &roles, &reference).await;
        assert!(error(&answer, 400).contains(told), "{answer:?}");
    }
    error(&world.send(bare("GET", &roles)).await, 400);
    error(
        &world
            .send(bare("GET", &format!("{}/foo", path_of(&user))))
            .await,
        404,
    );
    error(
        &world.send(bare("GET", &format!("{roles}/none"))).await,
        404,
    );
    error(
        &world
            .send(put("POST", &format!("{roles}?_action=x"), &json!({})))
            .await,
        501,
    );
    let absent = format!("{USERS}/00000000-0000-4000-8000-000000000000/roles?_queryFilter=true");
    error(&world.send(bare("GET", &absent)).await, 404);
    let by_reader = put("POST", &roles, &role("auditor")).without("Authorization");
    error(&world.send(by_reader.by("reader")).await, 403);
    for (field, value, status) in [
        (
            "/roles",
            json!({ "_ref": "managed/alpha_role/auditor" }),
            403,
        ),
        ("/roles", json!([role("auditor"), role("auditor")]), 412),
        ("/roles/0", role("auditor"), 400),
        ("/authzRoles", json!([role("auditor")]), 403),
        ("/reports", json!([user_ref(&user)]), 501),
    ] {
        let patch = json!([{ "operation": "add", "field": field, "value": value }]);
        let answer = world.send(put("PATCH", &path_of(&user), &patch)).await;
        error(&answer, status);
    }
    let patch = json!([{ "operation": "remove", "field": "/roles" }]);
    let told = error(
        &world.send(put("PATCH", &path_of(&user), &patch)).await,
        400,
    );
    assert_eq!(told, "Cannot delete collection: /roles");
    let nothing = get(&world, &path_of(&user)).await;
    assert_eq!(nothing["_rev"], user["_rev"], "nothing of it was done");
}

#[tokio::test]
async fn relationships_are_written_with_the_object() {
    let world = World::start().await;
    for name in ["a", "b", "c"] {
        made(&world, ROLES, name, &json!({ "name": name })).await;
    }
    let mut body = person("amir");
    body["roles"] = json!([role("a"), role("b")]);
    let user = create(&world, &body).await;
    let (path, roles) = (path_of(&user), format!("{}/roles", path_of(&user)));
    assert_eq!(referred(&rows(&world, &roles).await), ["a", "b"]);
    let patched = async |operation: Value, changes: bool| {
        let answer = world.send(put("PATCH", &path, &json!([operation]))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let unchanged = answer.header("x-not-modified") == "true";
        assert_eq!(unchanged, !changes, "{operation}");
    };
    patched(
        json!({ "operation": "add", "field": "/roles/-", "value": role("c") }),
        true,
    )
    .await;
    assert_eq!(referred(&rows(&world, &roles).await), ["a", "b", "c"]);
    patched(
        json!({ "operation": "add", "field": "/roles/-", "value": role("c") }),
        false,
    )
    .await;
    patched(
        json!({ "operation": "remove", "field": "/roles", "value": role("a") }),
        true,
    )
    .await;
    patched(
        json!({ "operation": "remove", "field": "/roles", "value": role("a") }),
        false,
    )
    .await;
    assert_eq!(referred(&rows(&world, &roles).await), ["b", "c"]);
    patched(
        json!({ "operation": "replace", "field": "/roles", "value": [role("a"), role("c")] }),
        true,
    )
    .await;
    assert_eq!(referred(&rows(&world, &roles).await), ["a", "c"]);
    let kept = world.send(put("PUT", &path, &person("amir"))).await;
    assert_eq!(kept.status, 200, "{kept:?}");
    assert_eq!(
        referred(&rows(&world, &roles).await),
        ["a", "c"],
        "unless they are named"
    );
    let mut body = person("amir");
    body["roles"] = json!([]);
    assert_eq!(world.send(put("PUT", &path, &body)).await.status, 200);
    assert_eq!(rows(&world, &roles).await, Vec::<Value>::new());

    let mut other = person("bea");
    other["roles"] = json!([role("none")]);
    error(&world.send(put("POST", USERS, &other)).await, 400);
    let named = get(
        &world,
        &format!("{USERS}?_queryFilter=userName%20eq%20%22bea%22"),
    )
    .await;
    assert_eq!(named["resultCount"], 0, "nothing is half made");
}

#[tokio::test]
async fn pages_filters_and_orders_of_members() {
    let world = World::start().await;
    made(&world, ROLES, "auditor", &json!({ "name": "auditor" })).await;
    made(&world, GROUPS, "staff", &json!({ "name": "staff" })).await;
    for number in 0..7 {
        let name = format!("user{number}");
        let mut body = person(&name);
        body["sn"] = json!(if number % 2 == 0 { "Even" } else { "Odd" });
        body["roles"] = json!([role("auditor")]);
        body["groups"] = json!([{ "_ref": "managed/alpha_group/staff" }]);
        create(&world, &body).await;
    }
    for members in [
        format!("{ROLES}/auditor/members"),
        format!("{GROUPS}/staff/members"),
    ] {
        let mut seen = Vec::new();
        let mut cookie = String::new();
        loop {
            let path = format!(
                "{members}?_queryFilter=true&_fields=userName&_pageSize=3\
                 &_totalPagedResultsPolicy=EXACT{cookie}"
            );
            let page = get(&world, &path).await;
            assert_eq!(page["totalPagedResults"], 7);
            let names = page["result"].as_array().unwrap().iter();
            seen.extend(names.map(|it| it["userName"].as_str().unwrap().to_owned()));
            match page["pagedResultsCookie"].as_str() {
                Some(next) => cookie = format!("&_pagedResultsCookie={next}"),
                None => break,
            }
        }
        let all: Vec<String> = (0..7).map(|number| format!("user{number}")).collect();
        assert_eq!(seen, all);
        let path = format!("{members}?_queryFilter=true&_pageSize=2&_pagedResultsOffset=5");
        assert_eq!(get(&world, &path).await["resultCount"], 2);
        let path = format!(
            "{members}?_queryFilter=sn%20eq%20%22odd%22&_sortKeys=-userName&_fields=userName"
        );
        let odd = get(&world, &path).await;
        let names = odd["result"].as_array().unwrap().iter();
        let names: Vec<&str> = names.map(|it| it["userName"].as_str().unwrap()).collect();
        assert_eq!(names, ["user5", "user3", "user1"], "{members}");
        let id = odd["result"][0]["_refResourceId"].as_str().unwrap();
        let path = format!("{members}?_queryFilter=_refResourceId%20eq%20%22{id}%22");
        assert_eq!(get(&world, &path).await["resultCount"], 1);
        let count = format!("{members}?_queryFilter=true&_countOnly=true");
        let count = bare("GET", &count).header("Accept-API-Version", "protocol=2.2");
        assert_eq!(world.send(count).await.json()["resultCount"], 7);
    }
}

#[tokio::test]
async fn groups_and_managers_are_those_of_scim() {
    let world = World::start().await;
    made(&world, GROUPS, "staff", &json!({ "name": "staff" })).await;
    let (amir, bea) = (
        create(&world, &person("amir")).await,
        create(&world, &person("bea")).await,
    );
    let members = format!("{GROUPS}/staff/members");
    let joined = add(&world, &members, &user_ref(&amir)).await;
    assert_eq!(joined.status, 201, "{joined:?}");
    let read = get(&world, &path_of(&amir)).await;
    assert_eq!(
        referred(read["effectiveGroups"].as_array().unwrap()),
        ["staff"]
    );
    let scim = format!("/scim/v2/Users/{}", amir["_id"].as_str().unwrap());
    let seen = world.send(ask("GET", &scim).by("reader")).await.json();
    assert_eq!(seen["groups"][0]["display"], "staff");
    let groups = rows(&world, &format!("{}/groups", path_of(&amir))).await;
    assert_eq!(groups[0]["_id"], joined.json()["_id"]);
    error(&add(&world, &members, &user_ref(&amir)).await, 412);
    let edge = format!("{members}/{}", joined.json()["_id"].as_str().unwrap());
    assert_eq!(get(&world, &edge).await, joined.json());
    assert_eq!(world.send(bare("DELETE", &edge)).await.status, 200);
    error(&world.send(bare("GET", &edge)).await, 404);
    assert_eq!(
        get(&world, &path_of(&amir)).await["effectiveGroups"],
        json!([])
    );

    let manager = format!("{}/manager", path_of(&amir));
    error(&world.send(bare("GET", &manager)).await, 404);
    let set = world.send(put("PUT", &manager, &user_ref(&bea))).await;
    assert_eq!(set.status, 201, "{set:?}");
    assert_eq!(get(&world, &manager).await["_refResourceId"], bea["_id"]);
    let reports = rows(&world, &format!("{}/reports", path_of(&bea))).await;
    assert_eq!(referred(&reports), [amir["_id"].as_str().unwrap()]);
    let seen = world.send(ask("GET", &scim).by("reader")).await.json();
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    assert_eq!(seen[enterprise]["manager"]["value"], bea["_id"]);
    assert_eq!(world.send(bare("DELETE", &manager)).await.status, 200);
    error(&world.send(bare("DELETE", &manager)).await, 404);
    let again = add(
        &world,
        &format!("{}/reports", path_of(&bea)),
        &user_ref(&amir),
    )
    .await;
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(get(&world, &manager).await["_refResourceId"], bea["_id"]);
}

#[tokio::test]
async fn organizations_stand_in_a_tree() {
    let world = World::start().await;
    let parent = |id: &str| json!({ "_ref": format!("managed/alpha_organization/{id}") });
    made(&world, ORGANIZATIONS, "top", &json!({ "name": "Top" })).await;
    let body = json!({ "name": "Middle", "parent": parent("top") });
    made(&world, ORGANIZATIONS, "middle", &body).await;
    let body = json!({ "name": "Leaf", "parent": parent("middle") });
    made(&world, ORGANIZATIONS, "leaf", &body).await;
    let user = create(&world, &person("amir")).await;
    let admins = format!("{ORGANIZATIONS}/top/admins");
    assert_eq!(add(&world, &admins, &user_ref(&user)).await.status, 201);
    let members = format!("{ORGANIZATIONS}/leaf/members");
    assert_eq!(add(&world, &members, &user_ref(&user)).await.status, 201);
    let leaf = get(&world, &format!("{ORGANIZATIONS}/leaf")).await;
    assert_eq!(leaf["parentIDs"], json!(["middle", "top"]));
    assert_eq!(leaf["parentAdminIDs"], json!([user["_id"]]));
    assert_eq!(
        (&leaf["adminIDs"], &leaf["parentOwnerIDs"]),
        (&json!([]), &json!([]))
    );
    let read = get(&world, &path_of(&user)).await;
    assert_eq!(read["memberOfOrgIDs"], json!(["leaf", "middle", "top"]));
    let children = rows(&world, &format!("{ORGANIZATIONS}/top/children")).await;
    assert_eq!(referred(&children), ["middle"]);

    let of_top = format!("{ORGANIZATIONS}/top/parent");
    let told = error(&world.send(put("PUT", &of_top, &parent("leaf"))).await, 400);
    assert_eq!(told, "An organization cannot stand above itself");
    let moved = put(
        "PUT",
        &format!("{ORGANIZATIONS}/leaf/parent"),
        &parent("top"),
    );
    assert_eq!(world.send(moved).await.status, 200);
    let leaf = get(&world, &format!("{ORGANIZATIONS}/leaf?_fields=*,parent")).await;
    assert_eq!(
        leaf["parentIDs"],
        json!(["top"]),
        "one parent in place of the other"
    );
    assert_eq!(leaf["parent"]["_refResourceId"], "top");
    // What has a parent gets the new one when it is made its child.
    let taken = add(
        &world,
        &format!("{ORGANIZATIONS}/middle/children"),
        &parent("leaf"),
    )
    .await;
    assert_eq!(taken.status, 201, "{taken:?}");
    assert_eq!(
        get(&world, &format!("{ORGANIZATIONS}/leaf")).await["parentIDs"],
        json!(["middle", "top"])
    );
}

#[tokio::test]
async fn assignments_reach_users_by_their_roles() {
    let world = World::start().await;
    let body = json!({
        "name": "mail", "description": "A mailbox", "mapping": "users_to_mail",
        "attributes": [{ "name": "quota", "value": 5 }], "weight": 1,
    });
    let mailbox = made(&world, ASSIGNMENTS, "mail", &body).await;
    assert_eq!(mailbox["attributes"], body["attributes"]);
    // The same identifier in another type.
    made(&world, ROLES, "mail", &json!({ "name": "mail" })).await;
    let reference = json!({ "_ref": "managed/alpha_assignment/mail" });
    let of_role = format!("{ROLES}/mail/assignments");
    assert_eq!(add(&world, &of_role, &reference).await.status, 201);
    let user = create(&world, &person("amir")).await;
    let of_user = format!("{}/roles", path_of(&user));
    assert_eq!(add(&world, &of_user, &role("mail")).await.status, 201);
    let read = get(&world, &path_of(&user)).await;
    assert_eq!(read["effectiveAssignments"][0]["name"], "mail");
    assert_eq!(read["effectiveAssignments"][0]["weight"], 1);
}

/// A relationship ends with either of its ends, whoever deletes it.
#[tokio::test]
async fn nothing_refers_to_what_is_gone() {
    let world = World::start().await;
    made(&world, ROLES, "auditor", &json!({ "name": "auditor" })).await;
    let mut body = person("amir");
    body["roles"] = json!([role("auditor")]);
    let (amir, members) = (
        create(&world, &body).await,
        format!("{ROLES}/auditor/members"),
    );
    body["userName"] = json!("bea");
    let bea = create(&world, &body).await;
    let scim = ask(
        "DELETE",
        &format!("/scim/v2/Users/{}", amir["_id"].as_str().unwrap()),
    );
    assert_eq!(world.send(scim.by("writer")).await.status, 204);
    assert_eq!(
        referred(&rows(&world, &members).await),
        [bea["_id"].as_str().unwrap()]
    );
    let gone = world
        .send(bare("DELETE", &format!("{ROLES}/auditor")))
        .await;
    assert_eq!(gone.status, 200);
    assert_eq!(
        rows(&world, &format!("{}/roles", path_of(&bea))).await,
        Vec::<Value>::new()
    );
    let scim = world
        .send(ask("GET", "/scim/v2/Relationships").by("reader"))
        .await;
    assert_eq!(scim.json()["totalResults"], 0);
    let made_there = ask("POST", "/scim/v2/Relationships")
        .by("writer")
        .json(&json!({
            "schemas": ["urn:ietf:params:scim:schemas:extension:civitas:2.0:Relationship"],
        }));
    assert_eq!(world.send(made_there).await.scim_error(400), "mutability");
}

#[tokio::test]
async fn properties_of_a_grant_change_under_its_revision() {
    let world = World::start().await;
    made(&world, ROLES, "auditor", &json!({ "name": "auditor" })).await;
    let user = create(&world, &person("amir")).await;
    let edge = add(
        &world,
        &format!("{}/roles", path_of(&user)),
        &role("auditor"),
    )
    .await
    .json();
    let path = format!("{}/roles/{}", path_of(&user), edge["_id"].as_str().unwrap());
    let body = json!({
        "_ref": "managed/alpha_role/auditor", "_refProperties": { "_grantType": "", "note": 7 },
    });
    let stale = put("PUT", &path, &body).header("If-Match", "\"0\"");
    error(&world.send(stale).await, 412);
    let revision = edge["_rev"].as_str().unwrap();
    let changed = world
        .send(put("PUT", &path, &body).header("If-Match", revision))
        .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json()["_refProperties"]["note"], 7);
    assert_ne!(changed.json()["_rev"], edge["_rev"]);
    let known = changed.header("etag");
    let again = world
        .send(bare("GET", &path).header("If-None-Match", &known))
        .await;
    assert_eq!(again.status, 304);
}

/// The identifiers of what a filter finds among the relationships at a path.
async fn filtered(world: &World, path: &str, filter: &str) -> Vec<String> {
    let mut query = String::new();
    for byte in filter.bytes() {
        // Writing to memory cannot fail.
        let _ = write!(query, "%{byte:02X}");
    }
    let found = get(world, &format!("{path}?_queryFilter={query}")).await;
    let rows = found["result"].as_array().unwrap();
    assert_eq!(found["resultCount"], rows.len(), "{found}");
    referred(rows).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn relationships_are_found_by_what_is_known_of_them() {
    let world = World::start().await;
    let amir = create(&world, &person("amir")).await;
    let roles = format!("{}/roles", path_of(&amir));
    let mut edges = Vec::new();
    for (id, grant, level) in [
        ("a", "conditional", 1),
        ("b", "", 2),
        ("c", "conditional", 3),
    ] {
        made(&world, ROLES, id, &json!({ "name": format!("role {id}") })).await;
        let mut reference = role(id);
        reference["_refProperties"] = json!({ "_grantType": grant, "level": level });
        let added = add(&world, &roles, &reference).await;
        assert_eq!(added.status, 201, "{added:?}");
        edges.push(added.json()["_id"].as_str().unwrap().to_owned());
    }
    let by_edge = format!("/_refProperties/_id eq \"{}\"", edges[1]);
    for (filter, expected) in [
        ("/_refProperties/_grantType eq \"conditional\"", "a c"),
        ("!(/_refProperties/_grantType eq \"conditional\")", "b"),
        ("/_refProperties/_grantType eq \"\"", "b"),
        ("/_refProperties/_grantType pr", "a b c"),
        ("/_refProperties/level gt 1", "b c"),
        ("/_refProperties/other pr", ""),
        ("/_refProperties/level ge 2 and name eq \"ROLE c\"", "c"),
        ("/_refProperties/level eq 1 or name eq \"role b\"", "a b"),
        (&by_edge, "b"),
        ("/_ref eq \"managed/alpha_role/c\"", "c"),
        ("/_ref eq \"managed/bravo_role/c\"", ""),
        ("/_ref co \"role/a\"", "a"),
        (
            "/_refResourceId eq \"a\" or /_refResourceId sw \"c\"",
            "a c",
        ),
        ("/_refResourceCollection eq \"managed/alpha_role\"", "a b c"),
        ("/_refResourceCollection eq \"managed/alpha_user\"", ""),
    ] {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(filtered(&world, &roles, filter).await, expected, "{filter}");
    }
    let members = format!("{ROLES}/a/members");
    let found = filtered(
        &world,
        &members,
        "/_refProperties/_grantType eq \"conditional\"",
    )
    .await;
    assert_eq!(found, [amir["_id"].as_str().unwrap()]);
    let none = filtered(&world, &members, "/_refProperties/_grantType eq \"\"").await;
    assert_eq!(none, [""; 0]);
    let path = "_queryFilter=/_refProperties/level%20ge%202&_sortKeys=-name&_pageSize=1";
    let total = "_totalPagedResultsPolicy=EXACT";
    let page = get(&world, &format!("{roles}?{path}&{total}")).await;
    assert_eq!(page["result"][0]["_refResourceId"], "c");
    assert_eq!(page["totalPagedResults"], 2);
    let cookie = page["pagedResultsCookie"].as_str().unwrap();
    let next = format!("{roles}?{path}&_pagedResultsCookie={cookie}");
    assert_eq!(get(&world, &next).await["result"][0]["_refResourceId"], "b");
}

/// Membership of groups has no record of its own, and is found and read alike.
#[tokio::test]
async fn members_are_found_by_what_is_known_of_them() {
    let world = World::start().await;
    let (amir, zoe) = (
        create(&world, &person("amir")).await,
        create(&world, &person("zoe")).await,
    );
    let group = json!({ "name": "staff" });
    assert_eq!(world.send(put("POST", GROUPS, &group)).await.status, 201);
    let members = format!("{GROUPS}/staff/members");
    let mut edges = Vec::new();
    for user in [&amir, &zoe] {
        let added = add(&world, &members, &user_ref(user)).await;
        assert_eq!(added.status, 201, "{added:?}");
        edges.push(added.json()["_id"].as_str().unwrap().to_owned());
    }
    let id = |user: &Value| user["_id"].as_str().unwrap().to_owned();
    for (filter, expected) in [
        (
            format!("/_refProperties/_id eq \"{}\"", edges[1]),
            vec![id(&zoe)],
        ),
        (
            format!("/_ref eq \"managed/alpha_user/{}\"", id(&amir)),
            vec![id(&amir)],
        ),
        ("/_refProperties/_grantType pr".to_owned(), vec![]),
        ("userName eq \"zoe\"".to_owned(), vec![id(&zoe)]),
    ] {
        assert_eq!(
            filtered(&world, &members, &filter).await,
            expected,
            "{filter}"
        );
    }
    for (user, edge) in [(&amir, &edges[0]), (&zoe, &edges[1])] {
        let read = get(&world, &format!("{members}/{edge}")).await;
        assert_eq!(read["_refResourceId"], user["_id"]);
    }
    let swapped = edges[0].replace(&id(&amir), "none");
    let none = world
        .send(bare("GET", &format!("{members}/{swapped}")))
        .await;
    error(&none, 404);
    let manager = json!({ "_ref": format!("managed/alpha_user/{}", id(&zoe)) });
    let set = put("PUT", &format!("{}/manager", path_of(&amir)), &manager);
    assert_eq!(world.send(set).await.status, 201);
    let reports = format!("{}/reports", path_of(&zoe));
    let row = rows(&world, &reports).await.remove(0);
    let edge = row["_id"].as_str().unwrap();
    let read = get(&world, &format!("{reports}/{edge}")).await;
    assert_eq!(read["_refResourceId"], amir["_id"]);
    let again = add(&world, &reports, &user_ref(&amir)).await;
    error(&again, 412);
}
