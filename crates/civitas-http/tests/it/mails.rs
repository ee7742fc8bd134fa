//! Mails in the mailbox of development, and the links that they tell.

use civitas_directory::{
    Client, Roles, Store as _,
    client::{Application, Secret},
};
use civitas_scim::tolerance::Profile;
use serde_json::{Value, json};

use crate::{
    faulty::Trouble,
    world::{Answer, SECRET, USER, World, ask, hashed},
};

const SAP_USER: &str = "urn:ietf:params:scim:schemas:extension:sap:2.0:User";
const MAILS: &str = "/civitas/v1/mails";
const FORM: &str = "application/x-www-form-urlencoded";

/// Creates a user of whom something is said in the product's extension.
async fn created(world: &World, name: &str, said: Value) -> Value {
    let body = json!({
        "schemas": [USER, SAP_USER],
        "userName": name,
        "emails": [{ "value": format!("{name}@example.org") }],
        "locale": "de",
        SAP_USER: said,
    });
    let ask = ask("POST", "/scim/Users").by("writer").json(&body);
    let answer = world.send(ask).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

async fn mails(world: &World) -> Vec<Value> {
    let answer = world.send(ask("GET", MAILS).by("admin")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["mails"].as_array().cloned().unwrap()
}

/// The path of the link in a text.
fn path(text: &str) -> String {
    let link = text.split_whitespace().find(|it| it.contains("/ids/"));
    let link = link.unwrap();
    link[link.find("/ids/").unwrap()..].to_owned()
}

async fn page(world: &World, path: &str) -> Answer {
    world.send(ask("GET", path)).await
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

#[tokio::test]
async fn a_mail_is_read_by_programs_and_by_people() {
    let world = World::staged().await;
    created(&world, "ann", json!({ "sendMail": true })).await;
    created(&world, "bob", json!({})).await;
    let all = mails(&world).await;
    assert_eq!(all.len(), 1, "{all:?}");
    let mail = &all[0];
    assert_eq!(mail["to"], "ann@example.org");
    assert_eq!(mail["subject"], "Konto aktivieren");
    let one = format!("{MAILS}/{}", mail["id"].as_str().unwrap());
    let shown = world.send(ask("GET", &one).by("admin")).await;
    assert_eq!(shown.json(), *mail);
    for (path, part) in [
        (MAILS.to_owned(), "Konto aktivieren</a>"),
        (one.clone(), "/ids/activation?token="),
        (format!("{one}?html"), "<html lang=\"de\">"),
    ] {
        let people = ask("GET", &path).by("admin").header("Accept", "text/html");
        let answer = world.send(people).await;
        assert!(answer.header("content-type").starts_with("text/html"));
        assert!(text(&answer).contains(part), "{path}: {answer:?}");
    }
    for (client, status) in [("writer", 403), ("reader", 403)] {
        assert_eq!(
            world.send(ask("GET", MAILS).by(client)).await.status,
            status
        );
    }
    assert_eq!(world.send(ask("GET", MAILS)).await.status, 401);
    let emptied = world.send(ask("DELETE", MAILS).by("admin")).await;
    assert_eq!(emptied.status, 204);
    assert_eq!(mails(&world).await, [Value::Null; 0]);
    assert_eq!(world.send(ask("GET", &one).by("admin")).await.status, 404);
}

#[tokio::test]
async fn without_development_there_is_no_mailbox_and_without_a_carrier_no_mail() {
    let world = World::start().await;
    assert_eq!(world.send(ask("GET", MAILS).by("admin")).await.status, 404);
    let body = json!({
        "schemas": [USER, SAP_USER],
        "emails": [{ "value": "ann@example.org" }],
        SAP_USER: { "sendMail": true },
    });
    let create = ask("POST", "/scim/Users").by("writer").json(&body);
    let answer = world.send(create).await;
    assert_eq!(answer.status, 501);
    assert!(text(&answer).contains("[mail]"), "{answer:?}");
}

#[tokio::test]
async fn an_activation_url_is_told_once_and_expires() {
    let world = World::staged().await;
    let ann = created(&world, "ann", json!({ "sendMail": false })).await;
    let url = ann[SAP_USER]["activationUrl"].as_str().unwrap().to_owned();
    let own = format!("/scim/Users/{}", ann["id"].as_str().unwrap());
    let read = world.send(ask("GET", &own).by("writer")).await.json();
    assert_eq!(read[SAP_USER]["activationUrl"], Value::Null);
    assert_eq!(mails(&world).await, [Value::Null; 0]);
    let path = path(&url);
    assert_eq!(page(&world, &path).await.status, 200);
    // For a fortnight.
    let day = 24 * 60 * 60 * 1_000_i64;
    world
        .set("PUT", "clock", json!({ "advance_ms": 14 * day - 1_000 }))
        .await;
    assert_eq!(page(&world, &path).await.status, 200);
    world
        .set("PUT", "clock", json!({ "advance_ms": 1_000 }))
        .await;
    let spent = page(&world, &path).await;
    assert_eq!(spent.status, 410);
    assert!(text(&spent).contains("no longer good"), "{spent:?}");
}

#[tokio::test]
async fn links_are_good_for_as_long_as_the_tenant_says() {
    let world = World::staged().await;
    world
        .set("PATCH", "settings", json!({ "invitation_link_hours": 1 }))
        .await;
    created(&world, "ann", json!({ "sendMail": true })).await;
    let mail = &mails(&world).await[0];
    let content = mail["text"].as_str().unwrap();
    assert!(content.contains("1 Stunde(n)"), "{content}");
    let path = path(content);
    let hour = 60 * 60 * 1_000;
    world
        .set("PUT", "clock", json!({ "advance_ms": hour }))
        .await;
    assert_eq!(page(&world, &path).await.status, 410);
}

#[tokio::test]
async fn what_is_no_link_leads_nowhere() {
    let world = World::staged().await;
    created(&world, "ann", json!({ "sendMail": true })).await;
    let mail = &mails(&world).await[0];
    let good = path(mail["text"].as_str().unwrap());
    let (start, token) = good.split_once('=').unwrap();
    let (id, secret) = token.split_once('.').unwrap();
    let turned: String = secret.chars().rev().collect();
    for token in [
        "",
        "x",
        "x.y",
        id,
        &format!("{id}.{turned}"),
        &format!("{id}."),
    ] {
        let answer = page(&world, &format!("{start}={token}")).await;
        assert_eq!(answer.status, 410, "{token}");
    }
    // A link is good for its own purpose.
    let other = good.replace("activation", "password");
    assert_eq!(page(&world, &other).await.status, 410);
    assert_eq!(page(&world, "/ids/other").await.status, 404);
    assert_eq!(world.send(ask("PUT", &good)).await.status, 405);
    let text = ask("POST", start.trim_end_matches("?token"))
        .header("Content-Type", "text/plain")
        .body("token=x");
    assert_eq!(world.send(text).await.status, 415);
    // Whoever sends a form that was given out to nobody sees it again, and nothing is done.
    let bare = start.trim_end_matches("?token");
    let sent = ask("POST", bare).header("Content-Type", FORM).body(format!(
        "token={token}&form=x&password=Blue7Kettle&repeat=Blue7Kettle"
    ));
    assert_eq!(world.send(sent).await.status, 422);
    assert_eq!(page(&world, &good).await.status, 200);
}

#[tokio::test]
async fn a_tenant_has_texts_of_its_own() {
    let world = World::staged().await;
    let set = json!([{
        "resourceType": "RESOURCE_I18N_BUNDLE", "locale": "de",
        "contentType": "text/html;charset=UTF-8",
        "data": "mail.activation.subject=Los geht's\nmail.activation.intro=Nur <b>noch</b> ein Schritt.\n\
                 page.activation.title=Fast fertig\n",
    }]);
    let post = ask("POST", "/service/resource/SAP_DEFAULT")
        .by("admin")
        .header("Content-Type", "application/json")
        .body(set.to_string());
    assert_eq!(world.send(post).await.status, 200);
    created(&world, "ann", json!({ "sendMail": true })).await;
    let mail = &mails(&world).await[0];
    assert_eq!(mail["subject"], "Los geht's");
    let (plain, html) = (
        mail["text"].as_str().unwrap(),
        mail["html"].as_str().unwrap(),
    );
    assert!(plain.contains("Nur noch ein Schritt."), "{plain}");
    assert!(html.contains("Nur <b>noch</b> ein Schritt."), "{html}");
    let shown = page(&world, &path(plain)).await;
    assert!(text(&shown).contains("<h1>Fast fertig</h1>"), "{shown:?}");
}

/// Sends the form of a page.
async fn send_form(world: &World, path: &str, fields: &[(&str, &str)]) -> Answer {
    let opened = page(world, path).await;
    assert_eq!(opened.status, 200, "{opened:?}");
    let html = text(&opened);
    let hidden = |name: &str| {
        let rest = html
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap()
            .1;
        rest.split_once('"').unwrap().0.to_owned()
    };
    let mut body = format!("token={}&form={}", hidden("token"), hidden("form"));
    for (name, value) in fields {
        body = format!("{body}&{name}={value}");
    }
    let cookie = opened.header("set-cookie");
    let cookie = cookie.split(';').next().unwrap();
    let bare = path.split('?').next().unwrap();
    world
        .send(ask("POST", bare).form(&body).header("Cookie", cookie))
        .await
}

/// What cannot be done as a whole is not done in part, and the link remains good for all of it.
#[tokio::test]
async fn whoever_is_invited_becomes_all_of_it_at_once() {
    let world = World::staged().await;
    let partition = world.tenant().await.partition;
    let shop = Client {
        id: "shop".to_owned(),
        secrets: vec![Secret::plain(hashed(SECRET))],
        certificates: Vec::new(),
        roles: Roles::NONE,
        enabled: true,
        profile: Profile::default(),
        account: None,
        application: Some(Application {
            name: "Shop".to_owned(),
            home: Some("https://shop.example/".to_owned()),
        }),
    };
    world.store.create_client(partition, shop).await.unwrap();
    created(&world, "ann", json!({})).await;
    for (email, fields) in [
        (
            "eve@example.org",
            &[
                ("last_name", "Fern"),
                ("password", "Blue7Kettle"),
                ("repeat", "Blue7Kettle"),
            ][..],
        ),
        ("ann@example.org", &[]),
    ] {
        let body = json!({ "inviteeEmail": email, "inviterName": "Ada" });
        let invite = ask("POST", "/cps/invite").by("shop").body(body.to_string());
        let invite = invite.header("Content-Type", "application/json");
        assert_eq!(world.send(invite).await.status, 200);
        let mail = mails(&world).await[0].clone();
        assert_eq!(mail["to"], email);
        let path = path(mail["text"].as_str().unwrap());
        let users = async || {
            let read = ask("GET", "/scim/Users").by("reader");
            world.send(read).await.json()["totalResults"]
                .as_u64()
                .unwrap()
        };
        let before = users().await;
        *world.store.trouble() = Some(Trouble::Without("SpUser"));
        let failed = send_form(&world, &path, fields).await;
        assert_eq!(failed.status, 503, "{email}: {failed:?}");
        assert_eq!(users().await, before, "{email}");
        *world.store.trouble() = None;
        let done = send_form(&world, &path, fields).await;
        assert_eq!(done.status, 200, "{email}: {done:?}");
        let find = format!("/service/users?mail={email}");
        let found = world.send(ask("GET", &find).by("shop")).await;
        assert_eq!(found.status, 301, "{email}: {found:?}");
        assert_eq!(page(&world, &path).await.status, 410);
    }
}
