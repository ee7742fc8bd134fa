//! What large clients send, as recorded: taken with the profile of the client, and answered
//! as the RFCs say without.

use civitas_scim::tolerance::{Kind, Switch};
use serde_json::{Value, json};

use crate::world::{Answer, Ask, GROUP, PATCH_OP, SEARCH, USER, World, ask};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A request of a client. `$user`, `$other` and `$group` in it stand for the ids of two users
/// and a group that has both as members; the first user has no attribute but its name.
struct Case {
    by: Kind,
    method: &'static str,
    target: &'static str,
    /// `Content-Type`, when it is not the one of the RFC.
    media: Option<&'static str>,
    body: Value,
    /// Status with the profile, and what the resource shows then.
    taken: (u16, Value),
    without: Without,
}

/// The answer to a client of which nothing is tolerated.
enum Without {
    /// The same.
    Same,
    /// A success that shows something else.
    Shows(Value),
    /// Status and `scimType`.
    Refused(u16, &'static str),
}
use Without::{Refused, Same, Shows};

fn case(by: Kind, request: (&'static str, &'static str), body: Value) -> Case {
    Case {
        by,
        method: request.0,
        target: request.1,
        media: None,
        body,
        taken: (200, json!({})),
        without: Same,
    }
}

impl Case {
    fn typed(mut self, media: &'static str) -> Self {
        self.media = Some(media);
        self
    }

    fn taken(mut self, status: u16, shown: Value) -> Self {
        self.taken = (status, shown);
        self
    }

    fn without(mut self, without: Without) -> Self {
        self.without = without;
        self
    }

    fn request(&self, stage: &Stage, by: Kind) -> Ask {
        let request = ask(self.method, &stage.named(self.target)).by(by.name());
        if self.body.is_null() {
            return request;
        }
        let media = self.media.unwrap_or("application/scim+json");
        let body = stage.named(&self.body.to_string());
        request.header("Content-Type", media).body(body)
    }
}

fn patch(operation: &Value) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": [operation] })
}

const PATCH_USER: (&str, &str) = ("PATCH", "/scim/v2/Users/$user");
const PATCH_GROUP: (&str, &str) = ("PATCH", "/scim/v2/Groups/$group");

/// Microsoft Entra ID.
fn entra() -> Vec<Case> {
    let cases = [creations(), changes(), references(), queries()];
    cases.into_iter().flatten().collect()
}

fn creations() -> Vec<Case> {
    use Kind::Entra;
    let plain = json!({
        "schemas": [USER, ENTERPRISE], "externalId": "jyoung", "userName": "jyoung@example.com",
        "active": true, "emails": [{ "primary": true, "type": "work", "value": "jyoung@example.com" }],
        "meta": { "resourceType": "User" }, "roles": [], "title": null,
        "name": { "formatted": "Joy Young", "familyName": "Young", "givenName": "Joy" },
    });
    let mut unmapped = plain.clone();
    unmapped["department"] = Value::Null;
    vec![
        case(Entra, ("POST", "/scim/v2/Users"), plain).taken(201, json!({ "title": null })),
        case(Entra, ("POST", "/scim/v2/Users"), unmapped)
            .taken(201, json!({ "userName": "jyoung@example.com" }))
            .without(Refused(400, "invalidValue")),
        case(
            Entra,
            ("POST", "/scim/v2/Groups"),
            json!({
                "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
                "externalId": "8aa1", "displayName": "sales", "meta": { "resourceType": "Group" },
            }),
        )
        .taken(201, json!({ "schemas": [GROUP], "displayName": "sales" }))
        .without(Refused(400, "invalidValue")),
    ]
}

fn changes() -> Vec<Case> {
    use Kind::Entra;
    let email = |op: &str| {
        let path = "emails[type eq \"work\"].value";
        patch(&json!({ "op": op, "path": path, "value": "a@example.com" }))
    };
    let work = json!({ "emails": [{ "type": "work", "value": "a@example.com" }] });
    vec![
        case(Entra, PATCH_USER, patch(&json!({ "op": "Replace", "path": "active", "value": "False" })))
            .typed("application/scim+json; charset=utf-8")
            .taken(200, json!({ "active": false }))
            .without(Refused(415, "")),
        case(Entra, PATCH_USER, patch(&json!({ "op": "Replace", "path": "active", "value": false })))
            .taken(200, json!({ "active": false }))
            .without(Refused(400, "invalidSyntax")),
        case(Entra, PATCH_USER, patch(&json!({ "op": "replace", "path": "active", "value": "False" })))
            .taken(200, json!({ "active": false }))
            .without(Refused(400, "invalidValue")),
        case(
            Entra,
            PATCH_GROUP,
            patch(&json!({ "op": "remove", "path": "members", "value": [{ "$ref": null, "value": "$user" }] })),
        )
        .taken(200, json!({ "members": [{ "value": "$other" }] }))
        .without(Refused(400, "invalidValue")),
        case(
            Entra,
            ("PATCH", "/scim/v2/Groups/$group?aadOptscim062020"),
            patch(&json!({ "op": "remove", "path": "members[value eq \"$user\"]" })),
        )
        .taken(200, json!({ "members": [{ "value": "$other" }] })),
        case(
            Entra,
            ("PATCH", "/scim/v2/Users/$user?aadOptscim062020"),
            patch(&json!({ "op": "replace", "value": {
                "displayName": "Bjorn", "name.givenName": "Bjorn",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "701984",
                "emails[type eq \"work\"].value": "a@example.com",
            } })),
        )
        .taken(200, json!({
            "displayName": "Bjorn", "name": { "givenName": "Bjorn" },
            ENTERPRISE: { "employeeNumber": "701984" },
            "emails": [{ "type": "work", "value": "a@example.com" }],
        }))
        .without(Refused(400, "invalidValue")),
        case(Entra, PATCH_USER, email("add"))
            .taken(200, work.clone())
            .without(Refused(400, "noTarget")),
        case(Entra, PATCH_USER, email("replace"))
            .taken(200, work)
            .without(Refused(400, "noTarget")),
    ]
}

/// `manager`, and other singular values that come as lists or texts.
fn references() -> Vec<Case> {
    use Kind::Entra;
    let manager = |op: &str, path: &str, value: Value| {
        patch(&json!({ "op": op, "path": path, "value": value }))
    };
    let reports_to = json!({ ENTERPRISE: { "manager": { "value": "$other" } } });
    let packed = r#"{"id":"18d1","value":"admin","displayName":"Administrator"}"#;
    vec![
        case(
            Entra,
            PATCH_USER,
            manager("Add", &format!("{ENTERPRISE}:manager"), json!("$other")),
        )
        .taken(200, reports_to.clone())
        .without(Refused(400, "invalidSyntax")),
        case(Entra, PATCH_USER, manager("add", "manager", json!([{ "$ref": null, "value": "$other" }])))
            .taken(200, reports_to.clone())
            .without(Refused(400, "invalidValue")),
        case(Entra, PATCH_USER, manager("replace", "manager", json!({ "value": "" })))
            .taken(200, json!({ ENTERPRISE: null }))
            .without(Refused(400, "invalidValue")),
        case(
            Entra,
            PATCH_USER,
            patch(&json!({ "op": "replace", "path": "title", "value": [{ "$ref": null, "value": "Dr" }] })),
        )
        .taken(200, json!({ "title": "Dr" }))
        .without(Refused(400, "invalidValue")),
        case(
            Entra,
            PATCH_USER,
            patch(&json!({ "op": "add", "path": "roles", "value": [{ "primary": true, "value": packed }] })),
        )
        .taken(200, json!({ "roles": [{ "value": "admin", "display": "Administrator", "primary": true }] }))
        .without(Shows(json!({ "roles": [{ "value": packed, "primary": true }] }))),
    ]
}

fn queries() -> Vec<Case> {
    use Kind::Entra;
    vec![
        case(
            Entra,
            (
                "GET",
                "/scim/v2/Users?filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22a%2Bb%40c%22",
            ),
            Value::Null,
        )
        .taken(200, json!({ "totalResults": 0 })),
        case(
            Entra,
            (
                "GET",
                "/scim/v2/Users?filter=id+eq+%22$user%22+and+manager+eq+%22$other%22",
            ),
            Value::Null,
        )
        .taken(200, json!({ "totalResults": 0 })),
        case(
            Entra,
            ("GET", "/scim/v2/Groups/$group?excludedAttributes=members"),
            Value::Null,
        )
        .taken(200, json!({ "members": null })),
    ]
}

/// Okta.
fn okta() -> Vec<Case> {
    use Kind::Okta;
    let charset = "application/scim+json; charset=utf-8";
    vec![
        case(
            Okta,
            ("GET", "/scim/v2/Users?filter=userName%20eq%20%22nobody%22&startIndex=1&count=100"),
            Value::Null,
        )
        .taken(200, json!({ "totalResults": 0, "startIndex": 1, "itemsPerPage": 0 })),
        case(
            Okta,
            ("POST", "/scim/v2/Users"),
            json!({
                "schemas": [USER], "userName": "test.user@okta.local", "locale": "en-US",
                "name": { "givenName": "Test", "familyName": "User" }, "displayName": "Test User",
                "emails": [{ "primary": true, "value": "test.user@okta.local", "type": "work" }],
                "externalId": "00ujl29u0le5T6Aj10h7", "groups": [], "password": "1mz050nq", "active": true,
            }),
        )
        .typed(charset)
        .taken(201, json!({ "userName": "test.user@okta.local", "password": null }))
        .without(Refused(415, "")),
        case(
            Okta,
            ("PUT", "/scim/v2/Users/$user"),
            json!({
                "schemas": [USER], "id": "$user", "userName": "bjensen", "active": false, "groups": [],
                "meta": { "resourceType": "User" }, "title": "Dr",
            }),
        )
        .taken(200, json!({ "active": false, "title": "Dr" })),
        case(Okta, PATCH_USER, patch(&json!({ "op": "replace", "value": { "active": false } })))
            .taken(200, json!({ "active": false })),
        case(
            Okta,
            PATCH_GROUP,
            patch(&json!({ "op": "replace", "value": { "id": "$group", "displayName": "renamed" } })),
        )
        .taken(200, json!({ "displayName": "renamed", "members": [{ "value": "$user" }, { "value": "$other" }] })),
        case(
            Okta,
            PATCH_GROUP,
            json!({ "schemas": [PATCH_OP], "Operations": [
                { "op": "remove", "path": "members[value eq \"$user\"]" },
                { "op": "add", "path": "members", "value": [{ "value": "$user", "display": "bjensen" }] },
            ] }),
        )
        .taken(200, json!({ "members": [{ "value": "$user" }, { "value": "$other" }] })),
        case(
            Okta,
            PATCH_GROUP,
            patch(&json!({ "op": "remove", "path": "members", "value": [] })),
        )
        .taken(200, json!({ "members": [{ "value": "$user" }, { "value": "$other" }] }))
        .without(Refused(400, "invalidValue")),
    ]
}

/// The others.
fn others() -> Vec<Case> {
    use Kind::{Google, JumpCloud, OneLogin, SailPoint};
    vec![
        // A template that the customer edits: booleans in quotes, fields without mapping.
        case(
            OneLogin,
            ("POST", "/scim/v2/Users"),
            json!({
                "schemas": [USER], "userName": "onelogin", "active": "true", "title": "",
                "samlNameId": "onelogin@example.com",
            }),
        )
        .taken(201, json!({ "active": true, "samlNameId": null }))
        .without(Refused(400, "invalidValue")),
        case(
            OneLogin,
            PATCH_GROUP,
            patch(&json!({ "op": "Add", "path": "members", "value": [{ "value": "$user" }] })),
        )
        .taken(200, json!({ "members": [{ "value": "$user" }, { "value": "$other" }] }))
        .without(Refused(400, "invalidSyntax")),
        case(
            JumpCloud,
            PATCH_GROUP,
            patch(&json!({ "op": "remove", "path": "members", "value": [{ "value": "$user" }] })),
        )
        .taken(200, json!({ "members": [{ "value": "$other" }] }))
        .without(Refused(400, "invalidValue")),
        case(
            JumpCloud,
            ("POST", "/scim/v2/Users"),
            json!({
                "schemas": [USER], "userName": "jumpcloud-test", "active": true,
                "addresses": [{ "type": "work", "country": "United States" }],
            }),
        )
        .taken(201, json!({ "addresses": [{ "type": "work", "country": "United States" }] }))
        .without(Refused(400, "invalidValue")),
        case(
            Google,
            ("POST", "/scim/v2/Users"),
            json!({
                "schemas": [USER], "userName": "google@example.com", "active": true,
                "name": { "givenName": "G", "familyName": "W" },
                "emails": [{ "value": "google@example.com", "type": "work", "primary": true }],
            }),
        )
        .typed("application/json; charset=UTF-8")
        .taken(201, json!({ "userName": "google@example.com" }))
        .without(Refused(415, "")),
        case(
            SailPoint,
            ("PUT", "/scim/v2/Users/$user"),
            json!({
                "schemas": [USER, ENTERPRISE], "userName": "bjensen", "groups": [{ "value": "$group" }],
                ENTERPRISE: { "manager": "$other" },
            }),
        )
        .taken(200, json!({ ENTERPRISE: { "manager": { "value": "$other" } } }))
        .without(Refused(400, "invalidValue")),
        case(
            SailPoint,
            ("POST", "/scim/v2/Users/.search"),
            json!({ "schemas": [SEARCH], "filter": "userName eq \"bjensen\"", "startIndex": "1", "count": "10" }),
        )
        .taken(200, json!({ "totalResults": 1 }))
        .without(Refused(400, "invalidValue")),
        case(SailPoint, ("GET", "/scim/v2/ResourceTypes/User"), Value::Null)
            .taken(200, json!({ "name": "User" })),
    ]
}

/// Two users and a group, of a world of their own.
struct Stage {
    world: World,
    user: String,
    other: String,
    group: String,
}

impl Stage {
    async fn set() -> Self {
        let world = World::start().await;
        let id = |resource: Value| resource["id"].as_str().unwrap().to_owned();
        let (user, other) = (
            id(world.user("bjensen").await),
            id(world.user("manager").await),
        );
        let body = json!({
            "schemas": [GROUP], "displayName": "all",
            "members": [{ "value": user }, { "value": other }],
        });
        let created = ask("POST", "/scim/v2/Groups").by("admin").json(&body);
        let group = id(world.send(created).await.json());
        Self {
            world,
            user,
            other,
            group,
        }
    }

    fn named(&self, text: &str) -> String {
        text.replace("$user", &self.user)
            .replace("$other", &self.other)
            .replace("$group", &self.group)
    }

    /// Checks an answer, and what the resource shows afterwards.
    async fn check(&self, case: &Case, answer: Answer, shown: &Value) {
        let shown = serde_json::from_str(&self.named(&shown.to_string())).unwrap();
        let what = format!("{} {} {}", case.by.name(), case.target, case.body);
        contains(&answer.json(), &shown, &what);
        if case.method != "GET" && !answer.header("location").is_empty() {
            let location = answer.header("location");
            let path = location.find("/scim/v2").map_or("", |at| &location[at..]);
            let read = self.world.send(ask("GET", path).by("admin")).await;
            contains(&read.json(), &shown, &what);
        }
    }
}

/// Whether the value has all that is expected; `null` where there must be nothing.
fn contains(value: &Value, expected: &Value, what: &str) {
    match expected {
        Value::Object(members) => {
            for (name, expected) in members {
                contains(&value[name], expected, what);
            }
        }
        Value::Array(elements) => {
            let found = value.as_array().map_or(&[][..], Vec::as_slice);
            assert_eq!(found.len(), elements.len(), "{what}: {value}");
            for (found, expected) in found.iter().zip(elements) {
                contains(found, expected, what);
            }
        }
        expected => assert_eq!(value, expected, "{what}"),
    }
}

#[tokio::test]
async fn recorded_requests_are_taken_by_their_profile_and_refused_without() {
    for case in entra().into_iter().chain(okta()).chain(others()) {
        let what = format!("{} {} {}", case.by.name(), case.target, case.body);
        let stage = Stage::set().await;
        let answer = stage.world.send(case.request(&stage, case.by)).await;
        let (status, shown) = &case.taken;
        assert_eq!(answer.status, *status, "{what}: {answer:?}");
        stage.check(&case, answer, shown).await;

        let stage = Stage::set().await;
        let answer = stage.world.send(case.request(&stage, Kind::Strict)).await;
        match &case.without {
            Same => {
                assert_eq!(answer.status, *status, "{what}: {answer:?}");
                stage.check(&case, answer, shown).await;
            }
            Shows(shown) => {
                assert_eq!(answer.status, *status, "{what}: {answer:?}");
                stage.check(&case, answer, shown).await;
            }
            Refused(status, keyword) => {
                assert_eq!(answer.status, *status, "{what}: {answer:?}");
                assert_eq!(answer.scim_error(*status), *keyword, "{what}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_documentation_names_the_switches_of_each_profile_and_client() {
    let world = World::start().await;
    let config = ask("GET", "/scim/v2/ServiceProviderConfig");
    let config = world.send(config).await.json();
    let uri = config["documentationUri"].as_str().unwrap();
    let path = &uri[uri.find("/docs").unwrap()..];
    let page = |ask: Ask| async {
        let answer = world.send(ask).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("text/html"));
        assert_eq!(answer.header("cache-control"), "no-store");
        String::from_utf8(answer.body).unwrap()
    };
    let public = page(ask("GET", path)).await;
    for name in Switch::ALL
        .map(Switch::name)
        .iter()
        .chain(&Kind::ALL.map(Kind::name))
    {
        assert!(public.contains(name), "{name}");
    }
    assert!(!public.contains("Your client"));
    let own = page(ask("GET", path).by("entra")).await;
    assert!(own.contains("<code>entra</code> has the profile <code>entra</code>"));
    let refused = world.send(ask("GET", path).bearer("bad")).await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn a_preference_for_strictness_turns_the_profile_off_for_a_request() {
    let stage = Stage::set().await;
    let upsert =
        json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "a@b" });
    let request = |by: Kind| {
        let target = stage.named("/scim/v2/Users/$user");
        ask("PATCH", &target).by(by.name()).json(&patch(&upsert))
    };
    let strict = request(Kind::Entra).header("Prefer", "handling=strict");
    assert_eq!(stage.world.send(strict).await.scim_error(400), "noTarget");
    let of_another = stage.world.send(request(Kind::Okta)).await;
    assert_eq!(of_another.scim_error(400), "noTarget");
    assert_eq!(stage.world.send(request(Kind::Entra)).await.status, 200);
    let metrics = stage.world.send(ask("GET", "/metrics")).await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    let counted = "civitas_tolerated_total{switch=\"replace-upserts\"} 1\n";
    assert!(metrics.contains(counted), "{metrics}");
}
