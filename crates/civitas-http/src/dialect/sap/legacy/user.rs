//! Users as the older API has them, and as the Identity Directory does. Pure, but for what is
//! looked up of managers and groups.

use civitas_directory::{Credential, Found, GroupRef};
use civitas_scim::schema::{ResourceType, urn};
use serde_json::{Map, Value, json};

use super::{kept, url};
use crate::dialect::sap::{
    call::Call,
    fault::{Failure, Fault},
    identity::{
        object::{self, Object, primary},
        proof,
        schema::{CUSTOM_GROUP, CUSTOM_USER, SAP_USER},
        show::instant,
    },
    kind::Kind,
    number,
};

/// Where an attribute is in the Identity Directory.
type Path = &'static [&'static str];

/// Attributes with the same value in both.
const SAME: &[(&str, Path)] = &[
    ("userName", &["userName"]),
    ("displayName", &["displayName"]),
    ("locale", &["locale"]),
    ("timeZone", &["timezone"]),
    ("userType", &["userType"]),
    ("passwordStatus", &[SAP_USER, "passwordDetails", "status"]),
    ("passwordPolicy", &[SAP_USER, "passwordDetails", "policy"]),
    (
        "contactPreferenceEmail",
        &[SAP_USER, "contactPreferences", "email"],
    ),
    (
        "contactPreferenceTelephone",
        &[SAP_USER, "contactPreferences", "telephone"],
    ),
    ("industryCrm", &[SAP_USER, "industry"]),
    ("company", &[urn::ENTERPRISE_USER, "organization"]),
    ("department", &[urn::ENTERPRISE_USER, "department"]),
    ("companyRelationship", &[SAP_USER, "companyRelationship"]),
    ("termsOfUse", &["termsOfUse"]),
    ("privacyPolicy", &["privacyPolicy"]),
    ("corporateGroups", &[SAP_USER, "corporateGroups"]),
];

/// Numbers that travel as texts.
const NUMBERS: &[(&str, Path)] = &[
    (
        "passwordFailedLoginAttempts",
        &[SAP_USER, "passwordDetails", "failedLoginAttempts"],
    ),
    ("sourceSystem", &[SAP_USER, "sourceSystem"]),
];

/// What is told and not set.
const TOLD: &[(&str, Path)] = &[
    ("sourceSystemId", &[SAP_USER, "sourceSystemId"]),
    ("socialIdentities", &[SAP_USER, "socialIdentities"]),
];

/// Parts of names that are written.
const NAMES: [&str; 4] = ["familyName", "givenName", "middleName", "honorificPrefix"];

/// Parts of the enterprise extension that are written, beside the manager.
const ENTERPRISE: [&str; 5] = [
    "employeeNumber",
    "costCenter",
    "organization",
    "division",
    "department",
];

fn at<'o>(object: &'o Object, path: &[&str]) -> Option<&'o Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(object.get(*first)?, |value, part| value.get(*part))
}

/// Gives what is at a path a value, or takes it away.
fn put(object: &mut Object, path: &[&str], value: Option<Value>) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        crate::part::set(object, first, value);
        return;
    }
    let inner = object.entry(*first).or_insert_with(|| json!({}));
    if let Value::Object(inner) = inner {
        put(inner, rest, value);
        if inner.is_empty() {
            object.shift_remove(*first);
        }
    }
}

fn wrong(name: &str) -> Fault {
    Fault::value(format!("The value of {name} cannot be read."))
}

/// A text that says whether something is so.
fn truth(body: &Value, name: &str) -> Result<Option<bool>, Fault> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(it)) => Ok(Some(*it)),
        Some(Value::String(it)) if it.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(it)) if it.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(wrong(name)),
    }
}

/// A new user of what a body says.
pub(super) fn created(body: &Value, manager: Option<String>) -> Result<Object, Fault> {
    if body["name"]["familyName"]
        .as_str()
        .is_none_or(str::is_empty)
    {
        return Err(Fault::value("The attribute name.familyName is mandatory."));
    }
    let emails = body.get("emails").and_then(Value::as_array);
    if emails.is_none_or(|it| it.len() != 1) {
        return Err(Fault::value("The attribute emails.value is mandatory."));
    }
    let mut object = changed(&Object::new(), body, manager)?;
    if body.get("active").is_none_or(Value::is_null) {
        object.shift_remove("active");
        put(&mut object, &[SAP_USER, "status"], Some("new".into()));
    }
    let has_status = at(&object, &[SAP_USER, "passwordDetails", "status"]).is_some();
    if object.contains_key("password") && !has_status {
        let status = Some("initial".into());
        put(
            &mut object,
            &[SAP_USER, "passwordDetails", "status"],
            status,
        );
    }
    Ok(object)
}

/// What a body makes of a user: what it does not name stays.
pub(super) fn changed(
    before: &Object,
    body: &Value,
    manager: Option<String>,
) -> Result<Object, Fault> {
    let mut after = before.clone();
    for name in ["applicationId", "emailTemplateSetId"] {
        if body.get(name).is_some_and(|it| !it.is_null()) {
            return Err(Fault::value(format!("The value of {name} is not known.")));
        }
    }
    for (name, path) in SAME {
        let Some(value) = body.get(name).filter(|it| !it.is_null()) else {
            continue;
        };
        let is_list = ["termsOfUse", "privacyPolicy", "corporateGroups"].contains(name);
        let fits = if is_list {
            value.is_array()
        } else {
            value.is_string()
        };
        if !fits {
            return Err(wrong(name));
        }
        let value = Some(value.clone()).filter(|it| it != "" && !is_unset(it));
        put(&mut after, path, value);
    }
    for (name, path) in NUMBERS {
        let Some(value) = body.get(name).filter(|it| !it.is_null()) else {
            continue;
        };
        let number = value.as_str().and_then(|it| it.parse::<i64>().ok());
        let number = number.ok_or_else(|| wrong(name))?;
        put(&mut after, path, Some(number.into()));
    }
    if let Some(active) = body.get("active").filter(|it| !it.is_null()) {
        let active = active.as_bool().ok_or_else(|| wrong("active"))?;
        after.insert("active".into(), active.into());
    }
    for name in NAMES {
        if let Some(value) = body["name"].get(name).filter(|it| !it.is_null()) {
            let text = value.as_str().ok_or_else(|| wrong(name))?;
            let value = (!text.is_empty()).then(|| Value::from(text));
            put(&mut after, &["name", name], value);
        }
    }
    change_emails(&mut after, body)?;
    for (name, parts) in [
        (
            "addresses",
            &[
                "streetAddress",
                "locality",
                "region",
                "postalCode",
                "country",
            ][..],
        ),
        ("phoneNumbers", &["value"]),
    ] {
        change_typed(&mut after, body, name, parts)?;
    }
    if let Some(verified) = truth(body, "telephoneVerified")? {
        let phones = after.get("phoneNumbers").cloned();
        if let Some(Value::Array(mut phones)) = phones {
            for phone in &mut phones {
                phone["verified"] = verified.into();
            }
            put(
                &mut after,
                &[SAP_USER, "phoneNumbers"],
                Some(Value::Array(phones)),
            );
        }
    }
    change_enterprise(&mut after, body, manager)?;
    change_custom(&mut after, body)?;
    if let Some(password) = body.get("password").filter(|it| !it.is_null()) {
        if !password.is_string() {
            return Err(wrong("password"));
        }
        after.insert("password".into(), password.clone());
    }
    truth(body, "sendMail")?;
    Ok(after)
}

/// Groups of the company that are named without value are taken away.
fn is_unset(value: &Value) -> bool {
    let elements = value.as_array();
    elements.is_some_and(|it| {
        it.iter().all(|it| {
            it.get("value").is_none() && it.get("id").is_none() && it.get("name").is_none()
        })
    })
}

fn change_emails(after: &mut Object, body: &Value) -> Result<(), Fault> {
    if let Some(emails) = body.get("emails").filter(|it| !it.is_null()) {
        let emails = emails.as_array().filter(|it| it.len() == 1);
        let address = emails.and_then(|it| it[0]["value"].as_str());
        let address = address.ok_or_else(|| wrong("emails"))?;
        let known = primary(after.get("emails")).and_then(|it| it["value"].as_str());
        if known != Some(address) {
            let email = json!([{ "value": address, "primary": true }]);
            after.insert("emails".into(), email);
        }
    }
    if let Some(verified) = truth(body, "mailVerified")? {
        let mut emails = after.get("emails").cloned().unwrap_or_default();
        let elements = emails.as_array_mut().into_iter().flatten();
        for email in elements.filter(|it| it["primary"] == true) {
            email["verified"] = verified.into();
        }
        put(after, &[SAP_USER, "emails"], Some(emails));
    }
    Ok(())
}

/// Elements take the place of those of the same type.
fn change_typed(after: &mut Object, body: &Value, name: &str, parts: &[&str]) -> Result<(), Fault> {
    let Some(sent) = body.get(name).filter(|it| !it.is_null()) else {
        return Ok(());
    };
    let sent = sent.as_array().ok_or_else(|| wrong(name))?;
    let mut elements = match after.shift_remove(name) {
        Some(Value::Array(elements)) => elements,
        _ => Vec::new(),
    };
    for element in sent {
        let of = element.get("type").and_then(Value::as_str);
        let of = of.ok_or_else(|| wrong(name))?;
        let mut made = Map::new();
        for part in parts {
            if let Some(value) = element.get(*part).filter(|it| !it.is_null()) {
                let text = value.as_str().ok_or_else(|| wrong(name))?;
                if !text.is_empty() {
                    made.insert((*part).to_owned(), text.into());
                }
            }
        }
        elements.retain(|it| it["type"] != of);
        if !made.is_empty() {
            made.insert("type".into(), of.into());
            elements.push(Value::Object(made));
        }
    }
    if !elements.is_empty() {
        after.insert(name.to_owned(), Value::Array(elements));
    }
    Ok(())
}

fn change_enterprise(
    after: &mut Object,
    body: &Value,
    manager: Option<String>,
) -> Result<(), Fault> {
    let Some(sent) = body.get(urn::ENTERPRISE_USER).filter(|it| !it.is_null()) else {
        return Ok(());
    };
    if !sent.is_object() {
        return Err(wrong(urn::ENTERPRISE_USER));
    }
    for name in ENTERPRISE {
        if let Some(value) = sent.get(name).filter(|it| !it.is_null()) {
            let text = value.as_str().ok_or_else(|| wrong(name))?;
            let value = (!text.is_empty()).then(|| Value::from(text));
            put(after, &[urn::ENTERPRISE_USER, name], value);
        }
    }
    if let Some(id) = manager {
        let manager = json!({ "value": id });
        put(after, &[urn::ENTERPRISE_USER, "manager"], Some(manager));
    }
    Ok(())
}

/// Attributes of the tenant's: one that is sent without value is taken away, and all of them by a
/// list of none.
fn change_custom(after: &mut Object, body: &Value) -> Result<(), Fault> {
    let sent = body.get(CUSTOM_USER).and_then(|it| it.get("attributes"));
    let Some(sent) = sent.filter(|it| !it.is_null()) else {
        return Ok(());
    };
    let sent = sent.as_array().ok_or_else(|| wrong("attributes"))?;
    let known = at(after, &[CUSTOM_USER, "attributes"]).and_then(Value::as_array);
    let mut attributes = known.cloned().unwrap_or_default();
    if sent.is_empty() {
        attributes.clear();
    }
    for attribute in sent {
        let name = attribute["name"]
            .as_str()
            .ok_or_else(|| wrong("attributes"))?;
        let number = name.strip_prefix("customAttribute");
        let number = number.and_then(|it| it.parse::<u8>().ok());
        if !number.is_some_and(|it| (1..=10).contains(&it)) {
            return Err(wrong("attributes"));
        }
        let value = attribute["value"].as_str().unwrap_or_default();
        if value.chars().count() > MAX_CUSTOM {
            return Err(Fault::value(format!(
                "The value of {name} is longer than {MAX_CUSTOM} characters."
            )));
        }
        attributes.retain(|it| it["name"] != name);
        if !value.is_empty() {
            attributes.push(json!({ "name": name, "value": value }));
        }
    }
    let attributes = (!attributes.is_empty()).then_some(Value::Array(attributes));
    put(after, &[CUSTOM_USER, "attributes"], attributes);
    Ok(())
}

/// Longest value of an attribute of the tenant's, in characters.
const MAX_CUSTOM: usize = 256;

/// The user as this API shows it.
pub(super) async fn show(
    call: &Call<'_>,
    view: &ResourceType,
    found: &Found,
) -> Result<Value, Failure> {
    let record = &found.record;
    let mut object = object::of(Kind::User, view, &record.id, &record.attributes());
    let credential = call.directory().credential(&call.scope, &record.id).await?;
    proof::add(call, &mut object, &credential);
    let id = number::user_id(record);
    let mut shown = json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER, CUSTOM_USER],
        "userName": object.get("userName"),
        "id": id,
        "userUuid": at(&object, &[SAP_USER, "userUuid"]),
        "meta": {
            "location": url(call, Kind::User, &id),
            "resourceType": Kind::User.name(),
            "version": "1.0",
            "created": instant(record.created),
            "lastModified": instant(record.modified),
        },
    });
    let name: Map<String, Value> = ["givenName", "familyName", "middleName", "honorificPrefix"]
        .into_iter()
        .filter_map(|part| Some((part.to_owned(), at(&object, &["name", part])?.clone())))
        .collect();
    if !name.is_empty() {
        shown["name"] = Value::Object(name);
    }
    if let Some(email) = primary(object.get("emails")) {
        shown["emails"] = json!([{ "value": email["value"], "primary": true }]);
    }
    for name in ["addresses", "phoneNumbers"] {
        if let Some(elements) = object.get(name) {
            shown[name] = elements.clone();
        }
    }
    add_states(&object, &mut shown);
    add_logons(call, &credential, &mut shown);
    for (name, path) in SAME.iter().chain(TOLD) {
        if shown.get(*name).is_none()
            && let Some(value) = at(&object, path)
        {
            shown[*name] = value.clone();
        }
    }
    let groups = found.groups.as_deref().unwrap_or_default();
    if !groups.is_empty() {
        shown["groups"] = groups_of(call, groups).await?;
    }
    let mut enterprise = object
        .get(urn::ENTERPRISE_USER)
        .cloned()
        .unwrap_or_else(|| json!({}));
    if let Some(manager) = enterprise.get_mut("manager") {
        *manager = show_manager(call, manager).await?;
    }
    shown[urn::ENTERPRISE_USER] = enterprise;
    if let Some(custom) = object.get(CUSTOM_USER) {
        shown[CUSTOM_USER] = custom.clone();
    }
    Ok(shown)
}

/// Whether a user is active, its address confirmed, and how it stands with its password.
fn add_states(object: &Object, shown: &mut Value) {
    shown["userType"] = object.get("userType").cloned().unwrap_or_default();
    // Of who is new it is not said whether it is active.
    if at(object, &[SAP_USER, "status"]).is_none_or(|it| it != "new") {
        shown["active"] = object.get("active").cloned().unwrap_or_default();
    }
    let verified = at(object, &[SAP_USER, "mailVerified"]) == Some(&Value::Bool(true));
    shown["mailVerified"] = if verified { "TRUE" } else { "FALSE" }.into();
    let phones = at(object, &[SAP_USER, "phoneNumbers"]).and_then(Value::as_array);
    if let Some(phones) = phones {
        let verified = phones.iter().any(|it| it["verified"] == true);
        shown["telephoneVerified"] = verified.to_string().into();
    }
    if let Some(status) = at(object, &[SAP_USER, "passwordDetails", "status"]) {
        shown["passwordStatus"] = status.clone();
        let failed = at(
            object,
            &[SAP_USER, "passwordDetails", "failedLoginAttempts"],
        );
        let failed = failed.and_then(Value::as_i64).unwrap_or_default();
        shown["passwordFailedLoginAttempts"] = failed.to_string().into();
    }
    if let Some(source) = at(object, &[SAP_USER, "sourceSystem"]) {
        shown["sourceSystem"] = source.to_string().into();
    }
}

/// How often codes were wrong, and when the user has logged on.
fn add_logons(call: &Call<'_>, credential: &Credential, shown: &mut Value) {
    let Some(password) = &credential.password else {
        return;
    };
    let device = credential.totp.as_ref();
    let failed = device.map_or(0, |it| it.attempts.failed(call.scope.now));
    shown["otpFailedLoginAttempts"] = failed.to_string().into();
    if let Some(at) = credential.last_logon {
        for name in ["loginTime", "passwordLoginTime"] {
            shown[name] = instant(at).into();
        }
        shown["passwordSetTime"] = instant(password.set).into();
    }
}

/// The groups of a user, by the names and identifiers that this API has for them.
async fn groups_of(call: &Call<'_>, groups: &[GroupRef]) -> Result<Value, Failure> {
    let mut shown = Vec::with_capacity(groups.len());
    for group in groups {
        let Some(found) = kept(call, Kind::Group, &group.id).await? else {
            continue;
        };
        let attributes = found.record.attributes();
        let name = attributes.get(CUSTOM_GROUP).and_then(|it| it.get("name"));
        shown.push(json!({
            "value": name.cloned().unwrap_or_else(|| group.id.as_str().into()),
            "$ref": url(call, Kind::Group, &number::group_id(&found.record)),
            "display": group.display,
        }));
    }
    Ok(Value::Array(shown))
}

/// The manager by its User ID.
async fn show_manager(call: &Call<'_>, manager: &Value) -> Result<Value, Failure> {
    let id = manager["value"].as_str().unwrap_or_default();
    let Some(found) = kept(call, Kind::User, id).await? else {
        return Ok(manager.clone());
    };
    let number = number::user_id(&found.record);
    let mut shown = json!({ "value": number, "$ref": url(call, Kind::User, &number) });
    if let Some(name) = found.record.attributes().get("displayName") {
        shown["displayName"] = name.clone();
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays() {
        let before = json!({
            "userName": "dora",
            "title": "Dr",
            "name": { "givenName": "Dora", "familyName": "Finch" },
            "phoneNumbers": [{ "value": "1", "type": "work" }, { "value": "2", "type": "fax" }],
            SAP_USER: { "industry": "Banking", "status": "active" },
            CUSTOM_USER: { "attributes": [
                { "name": "customAttribute1", "value": "a" },
                { "name": "customAttribute2", "value": "b" },
            ] },
        });
        let before = before.as_object().unwrap();
        let body = json!({
            "name": { "givenName": "Theodora" },
            "industryCrm": "",
            "sourceSystem": "39",
            "phoneNumbers": [{ "value": "3", "type": "fax" }],
            CUSTOM_USER: { "attributes": [{ "name": "customAttribute1", "value": "" }] },
        });
        let after = changed(before, &body, None).unwrap();
        let expected = json!({
            "userName": "dora",
            "title": "Dr",
            "name": { "givenName": "Theodora", "familyName": "Finch" },
            "phoneNumbers": [{ "value": "1", "type": "work" }, { "value": "3", "type": "fax" }],
            SAP_USER: { "status": "active", "sourceSystem": 39 },
            CUSTOM_USER: { "attributes": [{ "name": "customAttribute2", "value": "b" }] },
        });
        assert_eq!(Value::Object(after), expected);
        for body in [
            json!({ "active": "true" }),
            json!({ "userName": 7 }),
            json!({ "sourceSystem": 39 }),
            json!({ "emails": [{}, {}] }),
            json!({ "mailVerified": "perhaps" }),
            json!({ CUSTOM_USER: { "attributes": [{ "name": "customAttribute11" }] } }),
        ] {
            assert!(changed(before, &body, None).is_err(), "{body}");
        }
    }
}
