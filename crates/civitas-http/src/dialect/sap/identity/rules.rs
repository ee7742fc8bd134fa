//! The rules for users beyond the schemas: what a user must have, what goes together, which values
//! there are. Pure.

use civitas_directory::{credential::Policy, password::normalized};
use civitas_scim::schema::urn;
use serde_json::Value;

use super::{
    object::{self, Object, choose_primary},
    schema::SAP_USER,
};
use crate::dialect::sap::{
    fault::Fault,
    master::{Data, Own, is_language},
};

/// What no name may hold.
const FORBIDDEN: [char; 3] = ['<', '>', ':'];

/// Attributes that come with a hash from elsewhere.
const IMPORTED: [&str; 4] = [
    "passwordHash",
    "passwordHashAlgorithm",
    "passwordHashSalt",
    "passwordHashCycles",
];

/// Refuses what the service takes and this server does not, rather than to lose it.
pub(super) fn check_imports(body: &Value) -> Result<(), Fault> {
    let extension = body.get(SAP_USER).and_then(Value::as_object);
    let mut names = extension.into_iter().flat_map(|it| it.keys());
    if names.any(|name| IMPORTED.iter().any(|it| it.eq_ignore_ascii_case(name))) {
        return Err(Fault::new(
            civitas_directory::Outcome::NotBuilt,
            "Importing password hashes is not built yet.",
        ));
    }
    Ok(())
}

/// Completes a user that a client sends as a whole or changes, and checks it. `before` is the user
/// as it was; what stays is not checked again.
pub(super) fn complete(object: &mut Object, before: Option<&Object>) -> Result<(), Fault> {
    object.entry("userName").or_insert_with(|| "".into());
    object.entry("userType").or_insert_with(|| "public".into());
    // Other surfaces let users be without an address, which they keep being.
    let has_addresses = |it: &Object| it.contains_key("emails");
    if has_addresses(object) || before.is_none_or(has_addresses) {
        complete_emails(object)?;
    }
    check_names(object)?;
    complete_status(object, before)?;
    let uuid = before.and_then(|it| it.get(SAP_USER)?.get("userUuid").cloned());
    if let Some(Value::Object(extension)) = object.get_mut(SAP_USER) {
        extension.shift_remove("sendMail");
        for name in ["applicationId", "emailTemplateSetId"] {
            if extension.shift_remove(name).is_some() {
                return Err(Fault::value(format!(
                    "Provided value of '{name}' is not known"
                )));
            }
        }
        extension.extend(uuid.map(|it| ("userUuid".to_owned(), it)));
    }
    complete_countries(object);
    object::copy_flags(object, before);
    Ok(())
}

/// Refuses a user without login name, unless it had none before.
pub(super) fn check_login_name(object: &Object, before: Option<&Object>) -> Result<(), Fault> {
    let has = |it: &Object| it.get("userName").is_some_and(|it| it != "");
    if has(object) || before.is_some_and(|it| !has(it)) {
        return Ok(());
    }
    Err(super::input::missing_attribute("userName"))
}

fn complete_emails(object: &mut Object) -> Result<(), Fault> {
    let emails = object.get_mut("emails").and_then(Value::as_array_mut);
    let has_value = |it: &Value| it["value"].as_str().is_some_and(|it| !it.is_empty());
    let Some(emails) = emails.filter(|it| !it.is_empty() && it.iter().all(has_value)) else {
        return Err(Fault::value("Attribute with name emails is required."));
    };
    for email in emails.iter() {
        let address = email["value"].as_str().unwrap_or_default();
        if !is_address(address) {
            let detail = "Provided value of 'emails' is not a valid e-mail address";
            return Err(Fault::value(detail));
        }
    }
    if emails.iter().filter(|it| it["primary"] == true).count() > 1 {
        return Err(Fault::value("Only one of 'emails' can be primary"));
    }
    choose_primary(emails);
    Ok(())
}

fn check_names(object: &Object) -> Result<(), Fault> {
    let name = |part: &str| object.get("name").and_then(|it| it.get(part));
    for (path, value) in [
        ("displayName", object.get("displayName")),
        ("name.givenName", name("givenName")),
        ("name.familyName", name("familyName")),
    ] {
        let text = value.and_then(Value::as_str).unwrap_or_default();
        if text.contains(FORBIDDEN) {
            let detail = format!("Provided value of '{path}' contains one of < > :");
            return Err(Fault::value(detail));
        }
    }
    Ok(())
}

/// Whether a user is active is said twice, and both have to agree. What is not said follows from
/// the other, or stays as it was.
fn complete_status(object: &mut Object, before: Option<&Object>) -> Result<(), Fault> {
    let status_of = |it: &Object| -> Option<String> {
        let status = it.get(SAP_USER)?.get("status")?;
        status.as_str().map(str::to_owned)
    };
    let mut active = object.get("active").and_then(Value::as_bool);
    let mut status = status_of(object);
    if let Some(before) = before {
        let was = (
            before.get("active").and_then(Value::as_bool),
            status_of(before),
        );
        // Of a patch, what it left alone follows what it changed.
        match (active == was.0, status == was.1) {
            (true, false) if status.is_some() => active = None,
            (false, true) if active.is_some() => status = None,
            _ => {}
        }
        if (active, &status) == (None, &None) {
            (active, status) = was;
        }
    }
    let (active, status) = match (active, status.as_deref()) {
        (None | Some(false), None | Some("inactive")) => (false, "inactive"),
        (None | Some(false), Some("new")) => (false, "new"),
        (Some(true), None | Some("active")) | (None, Some("active")) => (true, "active"),
        _ => {
            let detail = "The values of 'active' and 'status' contradict each other";
            return Err(Fault::value(detail));
        }
    };
    object.insert("active".into(), active.into());
    let extension = object
        .entry(SAP_USER)
        .or_insert_with(|| Value::Object(Object::new()));
    extension["status"] = status.into();
    Ok(())
}

/// Countries are kept by their keys, which are those of ISO 3166-1.
fn complete_countries(object: &mut Object) {
    let addresses = object.get_mut("addresses").and_then(Value::as_array_mut);
    for address in addresses.into_iter().flatten() {
        let country = address.get("country").and_then(Value::as_str);
        if let Some(key) = country.and_then(|it| Data::Countries.key(it)) {
            address["country"] = key.into();
        }
    }
}

/// Values that are to be from a list of master data. What was there before is not checked again.
/// Holds values against the lists that they are chosen from; `own` are those of the tenant.
pub(super) fn check_master_data(
    object: &Object,
    before: Option<&Object>,
    own: &Own,
) -> Result<(), Fault> {
    let at = |object: &Object, path: &[&str]| -> Option<String> {
        let mut value = object.get(*path.first()?)?;
        for part in &path[1..] {
            value = value.get(*part)?;
        }
        value.as_str().map(str::to_owned)
    };
    for (path, data) in [
        (&["name", "honorificPrefix"][..], Data::Salutations),
        (&[urn::ENTERPRISE_USER, "department"], Data::Departments),
        (&[SAP_USER, "companyRelationship"], Data::Relationships),
        (&[SAP_USER, "industry"], Data::Industries),
    ] {
        let value = at(object, path);
        let stays = before.is_some_and(|it| at(it, path) == value);
        if value.is_some_and(|it| !stays && !own.has(data, &it)) {
            return Err(not_listed(path[path.len() - 1]));
        }
    }
    for name in ["locale", "preferredLanguage"] {
        let value = at(object, &[name]);
        let stays = before.is_some_and(|it| at(it, &[name]) == value);
        let listed = |it: &str| is_language(it) || own.has(Data::Languages, it);
        if value.is_some_and(|it| !stays && !listed(&it)) {
            return Err(not_listed(name));
        }
    }
    let known = before.and_then(|it| it.get("addresses")).cloned();
    let known = known.as_ref().and_then(Value::as_array);
    let addresses = object.get("addresses").and_then(Value::as_array);
    for address in addresses.into_iter().flatten() {
        if known.is_some_and(|it| it.contains(address)) {
            continue;
        }
        let country = address.get("country").and_then(Value::as_str);
        if country.is_some_and(|it| !own.has(Data::Countries, it)) {
            return Err(not_listed("country"));
        }
        let states = match country {
            Some("US") => Some(Data::StatesOfUs),
            Some("CA") => Some(Data::StatesOfCanada),
            _ => None,
        };
        let region = address.get("region").and_then(Value::as_str);
        if states
            .zip(region)
            .is_some_and(|(it, region)| !it.has(region))
        {
            return Err(not_listed("region"));
        }
    }
    Ok(())
}

fn not_listed(name: &str) -> Fault {
    Fault::value(format!(
        "Value not supported for attribute {name}. For more information about supported values, \
         see Identity Authentication Documentation."
    ))
}

/// Whether a password keeps the policy.
pub(super) fn check_password(policy: &Policy, password: Option<&Value>) -> Result<(), Fault> {
    let Some(password) = password.and_then(Value::as_str) else {
        return Ok(());
    };
    policy
        .check(&normalized(password))
        .map_err(|_| Fault::value("The password does not meet the password policy"))
}

/// Whether a text is an e-mail address whose local part is one that the service takes.
pub(in crate::dialect::sap) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let quoted = local
        .strip_prefix('"')
        .and_then(|it| it.strip_suffix('"'))
        .filter(|_| local.len() > 1);
    is_domain(domain) && quoted.map_or_else(|| is_dotted(local), is_quoted)
}

/// Letters, digits and some signs; dots within only, and one at a time.
fn is_dotted(local: &str) -> bool {
    let is_plain = |it: char| it.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(it);
    let mut parts = local.split('.');
    parts.all(|part| !part.is_empty() && part.chars().all(is_plain))
}

/// Anything but what ends it; a backslash and a quote after a backslash only.
fn is_quoted(inner: &str) -> bool {
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if !matches!(letters.next(), Some('\\' | '"')) => return false,
            '"' => return false,
            it if it.is_control() => return false,
            _ => {}
        }
    }
    true
}

fn is_domain(domain: &str) -> bool {
    let is_label = |it: &str| {
        let inner = it.chars().all(|it| it.is_alphanumeric() || it == '-');
        !it.is_empty() && inner && !it.starts_with('-') && !it.ends_with('-')
    };
    domain.len() <= 255 && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_have_two_parts() {
        for address in [
            "a@b.org",
            "a.b+c@b",
            "o'neil@x-y.org",
            "\"a b\"@x.org",
            "\"a\\\"b\"@x.org",
        ] {
            assert!(is_address(address), "{address}");
        }
        for other in [
            "",
            "a",
            "@b.org",
            "a@",
            ".a@b.org",
            "a..b@b.org",
            "a.@b.org",
            "a b@b.org",
            "a,b@b.org",
            "\"a\"b\"@x.org",
            "\"@x.org",
            "a@b..org",
            "a@-b.org",
        ] {
            assert!(!is_address(other), "{other}");
        }
    }

    #[test]
    fn active_and_status_agree() {
        for (active, status, expected) in [
            (None, None, Some((false, "inactive"))),
            (Some(true), None, Some((true, "active"))),
            (Some(false), None, Some((false, "inactive"))),
            (None, Some("new"), Some((false, "new"))),
            (None, Some("active"), Some((true, "active"))),
            (Some(false), Some("new"), Some((false, "new"))),
            (Some(true), Some("new"), None),
            (Some(true), Some("inactive"), None),
            (Some(false), Some("active"), None),
        ] {
            let mut object = Object::new();
            object.extend(active.map(|it: bool| ("active".to_owned(), it.into())));
            object.extend(status.map(|it| (SAP_USER.to_owned(), json!({ "status": it }))));
            let told = complete_status(&mut object, None).ok().map(|()| {
                let active = object["active"].as_bool().unwrap();
                (
                    active,
                    object[SAP_USER]["status"].as_str().unwrap().to_owned(),
                )
            });
            let expected = expected.map(|(active, status)| (active, status.to_owned()));
            assert_eq!(told, expected, "{active:?} {status:?}");
        }
    }

    #[test]
    fn passwords_are_long_and_mixed() {
        for (password, keeps) in [
            ("Blue7Kettle", true),
            ("blue-kettle7", true),
            ("Blue7Ke", false),
            ("bluekettle7", false),
        ] {
            let told = check_password(&Policy::STANDARD, Some(&json!(password)));
            assert_eq!(told.is_ok(), keeps, "{password}");
        }
    }
}
