//! Resources as answers show them: what is kept, what the service works out, and in which order.

use civitas_directory::{Credential, Found, GroupRef, MemberRef, Record, Timestamp, Version};
use civitas_scim::schema::{ResourceType, urn};
use serde_json::{Map, Value, json};

use super::{
    object::{self, Object},
    proof,
    schema::{CUSTOM_GROUP, SAP_USER},
};
use crate::dialect::sap::{call::Call, kind::Kind, number};

/// The order of the attributes of users.
const USER: [&str; 29] = [
    "schemas",
    "id",
    "meta",
    "externalId",
    "userName",
    "name",
    "displayName",
    "nickName",
    "profileUrl",
    "title",
    "preferredLanguage",
    "locale",
    "timezone",
    "userType",
    "active",
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "groups",
    "entitlements",
    "roles",
    "x509Certificates",
    "termsOfUse",
    "privacyPolicy",
    "localeSettings",
    urn::ENTERPRISE_USER,
    SAP_USER,
];

/// The order of the attributes of groups.
const GROUP: [&str; 7] = [
    "schemas",
    "displayName",
    "id",
    "meta",
    "externalId",
    "members",
    CUSTOM_GROUP,
];

/// The order of what the product knows of users.
const PRODUCT: [&str; 8] = [
    "emails",
    "phoneNumbers",
    "loginTime",
    "userUuid",
    "mailVerified",
    "userId",
    "status",
    "passwordDetails",
];

/// The order of the parts of attributes, by attribute.
const PARTS: [(&str, &[&str]); 5] = [
    (
        "name",
        &[
            "familyName",
            "givenName",
            "middleName",
            "honorificPrefix",
            "honorificSuffix",
            "formatted",
        ],
    ),
    ("emails", &["value", "type", "display", "primary"]),
    ("phoneNumbers", &["value", "type", "display", "primary"]),
    ("groups", &["value", "display", "$ref", "type"]),
    ("members", &["value", "type", "$ref"]),
];

/// The order of the parts of the copies that the product has of addresses and numbers.
const COPIES: &[&str] = &[
    "verified",
    "type",
    "value",
    "display",
    "verifiedTime",
    "primary",
];

/// All that there is of a resource, of the state that it was found in.
pub(super) fn whole(
    call: &Call<'_>,
    kind: Kind,
    view: &ResourceType,
    found: &Found,
    credential: Option<&Credential>,
) -> Object {
    let record = &found.record;
    let kept = record.attributes();
    let mut object = object::of(kind, view, &record.id, &kept);
    object.insert("id".into(), record.id.as_str().into());
    object.insert("meta".into(), meta(call, kind, record));
    match kind {
        Kind::User => {
            if let Some(extension) = object.get_mut(SAP_USER) {
                extension["userId"] = number::user_id(record).into();
            }
            if let Some(credential) = credential {
                proof::add(call, &mut object, credential);
            }
            add_manager(call, &mut object, &kept);
            let groups = found.groups.as_deref().unwrap_or_default();
            if !groups.is_empty() {
                let groups = groups.iter().map(|it| group(call, it));
                object.insert("groups".into(), groups.collect());
            }
        }
        Kind::Group => {
            if let Some(extension) = object.get_mut(CUSTOM_GROUP) {
                extension["additionalId"] = number::group_id(record).into();
            }
            let members = found.members.as_deref().unwrap_or_default();
            if !members.is_empty() {
                let members = members.iter().map(|it| member(call, it));
                object.insert("members".into(), members.collect());
            }
        }
    }
    object.insert("schemas".into(), schemas(view, &object));
    ordered(kind, object)
}

/// The base schema, and the extensions that there is something of.
fn schemas(view: &ResourceType, object: &Object) -> Value {
    let uris = view.schemas().map(|it| it.id.as_str());
    let used = uris.filter(|uri| *uri == view.schema.id || object.contains_key(*uri));
    used.collect()
}

fn meta(call: &Call<'_>, kind: Kind, record: &Record) -> Value {
    json!({
        "created": instant(record.created),
        "lastModified": instant(record.modified),
        "location": location(call, kind, &record.id),
        "resourceType": kind.name(),
        "version": version(&record.id, record.version),
    })
}

pub(super) fn location(call: &Call<'_>, kind: Kind, id: &str) -> String {
    call.url(&format!("{}/{id}", kind.endpoint()))
}

/// An instant in whole seconds.
pub(in crate::dialect::sap) fn instant(at: Timestamp) -> String {
    at.second().to_string().replace(".000Z", "Z")
}

/// The version of a resource as the service shows it: a UUID that differs with every state.
pub(super) fn version(id: &str, version: Version) -> String {
    let seed = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |mixed, byte| {
        (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let first = mixed(seed ^ version.0.cast_unsigned());
    let second = mixed(first);
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        first >> 32,
        (first >> 16) & 0xffff,
        first & 0xfff,
        second >> 52,
        second & 0xffff_ffff_ffff,
    )
}

/// Spreads the bits of a number (`SplitMix64`); no two numbers become the same.
const fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn group(call: &Call<'_>, group: &GroupRef) -> Value {
    let mut shown = json!({
        "value": group.id,
        "display": group.display,
        "$ref": location(call, Kind::Group, &group.id),
    });
    if !group.direct {
        shown["type"] = "indirect".into();
    }
    shown
}

fn member(call: &Call<'_>, member: &MemberRef) -> Value {
    let kind = match member.resource_type.as_str() {
        "Group" => Kind::Group,
        _ => Kind::User,
    };
    json!({
        "value": member.id,
        "type": kind.name(),
        "$ref": location(call, kind, &member.id),
    })
}

/// Where the manager is found, and who it is.
fn add_manager(call: &Call<'_>, object: &mut Object, kept: &Map<String, Value>) {
    let enterprise = object.get_mut(urn::ENTERPRISE_USER);
    let Some(manager) = enterprise.and_then(|it| it.get_mut("manager")) else {
        return;
    };
    if let Some(id) = manager["value"].as_str() {
        manager["$ref"] = location(call, Kind::User, id).into();
    }
    let known = kept
        .get(urn::ENTERPRISE_USER)
        .and_then(|it| it.get("manager"));
    if let Some(name) = known.and_then(|it| it.get("displayName")) {
        manager["displayName"] = name.clone();
    }
}

/// The attributes in the order of the service.
fn ordered(kind: Kind, mut object: Object) -> Object {
    for (name, parts) in &PARTS {
        if let Some(value) = object.get_mut(*name) {
            arrange(value, parts);
        }
    }
    primary_first(&mut object);
    if let Some(extension) = object.get_mut(CUSTOM_GROUP) {
        arrange(extension, &["additionalId", "name", "description"]);
    }
    if let Some(Value::Object(extension)) = object.get_mut(SAP_USER) {
        primary_first(extension);
        for name in ["emails", "phoneNumbers"] {
            if let Some(copies) = extension.get_mut(name) {
                arrange(copies, COPIES);
            }
        }
        *extension = arranged(std::mem::take(extension), &PRODUCT);
    }
    let first: &[&str] = match kind {
        Kind::User => &USER,
        Kind::Group => &GROUP,
    };
    arranged(object, first)
}

/// Puts the primary address before the others.
fn primary_first(object: &mut Object) {
    if let Some(Value::Array(elements)) = object.get_mut("emails") {
        elements.sort_by_key(|it| it["primary"] != true);
    }
}

/// Brings the members of a value, or of its elements, into an order.
fn arrange(value: &mut Value, order: &[&str]) {
    match value {
        Value::Array(elements) => {
            for element in elements {
                arrange(element, order);
            }
        }
        Value::Object(members) => *members = arranged(std::mem::take(members), order),
        _ => {}
    }
}

/// The members in an order, those of which none is told last.
fn arranged(mut members: Object, order: &[&str]) -> Object {
    let mut arranged = Map::with_capacity(members.len());
    for name in order {
        arranged.extend(members.shift_remove_entry(*name));
    }
    arranged.append(&mut members);
    arranged
}
