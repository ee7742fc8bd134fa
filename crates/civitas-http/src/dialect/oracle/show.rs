//! Resources as answers show them: what is kept, and what the service works out.

use std::collections::HashMap;

use civitas_directory::{Found, MemberRef, Tenant, Version, store::Want};
use civitas_scim::{Attributes, schema::urn};
use serde_json::{Map, Value, json};

use super::{
    call::{Call, tag},
    credential, custom,
    fault::{Failure, Fault},
    id,
    kind::Kind,
    object::{self, Object},
    projection::Projection,
    schema::{CAPABILITIES, DYNAMIC_GROUP, GROUP_EXTENSION, USER_EXTENSION, USER_STATE},
};

/// Most members of one answer. More are read in pages of the attribute.
pub(super) const MAX_MEMBERS: usize = 10_000;

/// How a resource is shown.
pub(super) struct View<'v> {
    pub(super) kind: Kind,
    pub(super) projection: &'v Projection,
    /// Whether it is the caller, seen as such.
    pub(super) me: bool,
}

impl View<'_> {
    /// What has to be read for it.
    pub(super) fn want(&self) -> Want {
        let shows = |name: &str| {
            let attribute = self.kind.attribute(None, name);
            attribute.is_some_and(|it| self.projection.shows(it))
        };
        Want {
            groups: shows("groups"),
            members: shows("members").then_some(MAX_MEMBERS),
        }
    }

    /// One resource.
    pub(super) async fn one(&self, call: &Call<'_>, found: &Found) -> Result<Object, Failure> {
        let found = std::slice::from_ref(found);
        let authors = self.authors(call, found).await?;
        let owners = self.owners(call, found).await?;
        Ok(self.show(call, &found[0], &authors, &owners)?)
    }

    /// Several resources.
    pub(super) async fn all(
        &self,
        call: &Call<'_>,
        found: &[Found],
    ) -> Result<Vec<Value>, Failure> {
        let authors = self.authors(call, found).await?;
        let owners = self.owners(call, found).await?;
        let shown = found.iter().map(|it| {
            let shown = self.show(call, it, &authors, &owners)?;
            Ok(Value::Object(shown))
        });
        shown.collect()
    }

    async fn authors(
        &self,
        call: &Call<'_>,
        found: &[Found],
    ) -> Result<HashMap<Version, String>, Failure> {
        let attribute = self.kind.attribute(None, "idcsLastModifiedBy");
        if !attribute.is_some_and(|it| self.projection.shows(it)) {
            return Ok(HashMap::new());
        }
        call.authors(found.iter().map(|it| it.record.version)).await
    }

    /// The users whose credentials are shown.
    async fn owners(&self, call: &Call<'_>, found: &[Found]) -> Result<Owners, Failure> {
        let mut owners = Owners::new();
        let attribute = self.kind.attribute(None, object::OWNER);
        let shows = attribute.is_some_and(|it| self.projection.shows(it));
        if !self.kind.is_credential() || !shows {
            return Ok(owners);
        }
        for found in found {
            let kept = found.record.attributes();
            if let Some(id) = object::owner(&kept)
                && !owners.contains_key(id)
                && let Some(user) = credential::user(call, id).await?
            {
                owners.insert(id.to_owned(), user.record.attributes());
            }
        }
        Ok(owners)
    }

    fn show(
        &self,
        call: &Call<'_>,
        found: &Found,
        authors: &HashMap<Version, String>,
        owners: &Owners,
    ) -> Result<Object, Fault> {
        let members = found.members.as_ref().map_or(0, Vec::len);
        if members > MAX_MEMBERS {
            let id = "error.common.validation.tooManyValues";
            let detail = format!(
                "The group has more than {MAX_MEMBERS} members: ask for pages of them, as in \
                 attributes=members[startIndex=1&count=1000]."
            );
            return Err(Fault::invalid(id, detail));
        }
        let author = authors.get(&found.record.version).map(String::as_str);
        let mut object = whole(call, self.kind, found, author, self.me);
        if let Some(owner) = object.get_mut(object::OWNER).filter(|_| !owners.is_empty()) {
            add_owner(call, owner, owners);
        }
        let custom = object.shift_remove(custom::URI);
        let custom = custom.and_then(|it| custom::visible(call, self.projection, &it));
        let mut shown = self.projection.apply(self.kind, object);
        shown.extend(custom.map(|it| (custom::URI.to_owned(), it)));
        Ok(shown)
    }
}

/// All that there is of a resource.
pub(super) fn whole(
    call: &Call<'_>,
    kind: Kind,
    found: &Found,
    author: Option<&str>,
    me: bool,
) -> Object {
    let kept = found.record.attributes();
    let record = &found.record;
    let mut object = object::of(kind, &kept);
    if let Some(values) = kept.get(custom::URI).filter(|_| kind == Kind::User) {
        object.insert(custom::URI.to_owned(), values.clone());
    }
    add_links(call, kind, &mut object);
    add_defaults(kind, &mut object);
    let used = kind.schemas().iter().map(|it| it.uri);
    let used = used.filter(|uri| {
        let is_base = *uri == kind.schemas()[0].uri;
        is_base || [USER_STATE, USER_EXTENSION].contains(uri) || kept.contains_key(*uri)
    });
    let added = object.contains_key(custom::URI).then_some(custom::URI);
    let used: Value = used.chain(added).map(Value::from).collect();
    let shown_id = id::shown(&record.id);
    let (resource_type, path) = kind.seen_as(me);
    let tenant = &call.tenant.name;
    let computed = json!({
        "schemas": used,
        "id": shown_id,
        "ocid": id::ocid(kind.name(), &record.id),
        "meta": {
            "resourceType": resource_type,
            "created": record.created.to_string(),
            "lastModified": record.modified.to_string(),
            "version": tag(record.version),
            "location": call.url(&format!("{path}/{shown_id}")),
        },
        "domainOcid": format!("ocid1.domain.oc1..{tenant}"),
        "compartmentOcid": format!("ocid1.compartment.oc1..{tenant}"),
        "tenancyOcid": tenancy(call.tenant),
    });
    if let Value::Object(computed) = computed {
        object.extend(computed);
    }
    let by = object::creator(kind, &kept).map(|it| author_of(call, it));
    object.extend(by.map(|it| ("idcsCreatedBy".to_owned(), it)));
    let by = author.and_then(object::actor).map(|it| author_of(call, it));
    object.extend(by.map(|it| ("idcsLastModifiedBy".to_owned(), it)));
    add_relations(call, found, &mut object);
    object
}

/// Users by `id`, as they are kept.
type Owners = HashMap<String, Attributes>;

/// What else is told of the user that a credential belongs to.
fn add_owner(call: &Call<'_>, owner: &mut Value, owners: &Owners) {
    let id = owner.get("value").and_then(Value::as_str).map(id::kept);
    let Some(id) = id.map(std::borrow::Cow::into_owned) else {
        return;
    };
    owner["ocid"] = id::ocid("user", &id).into();
    owner["$ref"] = call.url(&format!("Users/{}", id::shown(&id))).into();
    let user = owners.get(&id);
    for (name, of) in [("display", "displayName"), ("name", "userName")] {
        if let Some(text) = user.and_then(|it| it.get(of)) {
            owner[name] = text.clone();
        }
    }
}

/// The OCID of a tenant.
pub(super) fn tenancy(tenant: &Tenant) -> String {
    format!("ocid1.tenancy.oc1..{}", tenant.name)
}

fn author_of(call: &Call<'_>, (of, id): (&str, &str)) -> Value {
    let shown = id::shown(id);
    let url = call.url(&format!("{of}s/{shown}"));
    let mut author = json!({ "value": shown, "type": of, "$ref": url });
    if of == "App" {
        author["display"] = Value::from(id);
    } else {
        author["ocid"] = Value::from(id::ocid("user", id));
    }
    author
}

/// Groups of a user, members of a group.
fn add_relations(call: &Call<'_>, found: &Found, object: &mut Object) {
    if let Some(groups) = found.groups.as_deref().filter(|it| !it.is_empty()) {
        let shown = groups.iter().map(|group| {
            let id = id::shown(&group.id);
            let mut shown = group.to_value();
            shown["$ref"] = call.url(&format!("Groups/{id}")).into();
            shown["ocid"] = id::ocid("group", &group.id).into();
            shown["nonUniqueDisplayName"] = group.display.as_str().into();
            shown["value"] = id.into();
            shown
        });
        object.insert("groups".to_owned(), shown.collect());
    }
    if let Some(members) = found.members.as_deref().filter(|it| !it.is_empty()) {
        let shown = members.iter().map(|it| member(call, it));
        object.insert("members".to_owned(), shown.collect());
    }
}

fn member(call: &Call<'_>, member: &MemberRef) -> Value {
    let id = id::shown(&member.id);
    let mut shown = member.to_value();
    shown["$ref"] = call.url(&format!("{}s/{id}", member.resource_type)).into();
    shown["ocid"] = id::ocid(&member.resource_type, &member.id).into();
    if !member.display.is_empty() {
        shown["name"] = member.display.as_str().into();
    }
    shown["value"] = id.into();
    shown
}

/// The URLs of what a resource refers to.
fn add_links(call: &Call<'_>, kind: Kind, object: &mut Object) {
    let link = |element: &mut Value, of: &str| {
        if let Some(id) = element.get("value").and_then(Value::as_str) {
            element["$ref"] = call.url(&format!("{of}/{id}")).into();
        }
    };
    if kind == Kind::User {
        let enterprise = object.get_mut(urn::ENTERPRISE_USER);
        if let Some(manager) = enterprise.and_then(|it| it.get_mut("manager")) {
            link(manager, "Users");
        }
    }
    if kind != Kind::Group {
        return;
    }
    let extension = object.get_mut(GROUP_EXTENSION);
    let owners = extension.and_then(|it| it.get_mut("owners"));
    for owner in owners.and_then(Value::as_array_mut).into_iter().flatten() {
        let of = match owner.get("type").and_then(Value::as_str) {
            Some("App") => "Apps",
            _ => "Users",
        };
        link(owner, of);
    }
}

/// What a resource has although nobody said so.
fn add_defaults(kind: Kind, object: &mut Object) {
    let mut fill = |uri: &str, name: &str, value: Value| {
        let inner = object.entry(uri.to_owned());
        let inner = inner.or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(inner) = inner {
            inner.entry(name.to_owned()).or_insert(value);
        }
    };
    match kind {
        Kind::User => {
            fill(USER_STATE, "locked", json!({ "on": false }));
            fill(USER_EXTENSION, "isFederatedUser", Value::Bool(false));
            fill(USER_EXTENSION, "creationMechanism", "api".into());
            let capabilities = kind.extension(CAPABILITIES);
            for flag in capabilities.map_or(&[][..], |it| it.attributes) {
                fill(CAPABILITIES, flag.name, Value::Bool(true));
            }
            object.entry("active").or_insert(Value::Bool(true));
        }
        Kind::Group => {
            fill(DYNAMIC_GROUP, "membershipType", "static".into());
            fill(GROUP_EXTENSION, "creationMechanism", "api".into());
            if let Some(name) = object.get("displayName").cloned() {
                let entry = object.entry("nonUniqueDisplayName");
                entry.or_insert(name);
            }
        }
        _ => {}
    }
}
