//! The Schema resource (RFC 7643 §7).

use serde_json::{Value, json};

use super::{
    INDEX_EXTENSION, MAX_ATTRIBUTES, MAX_INDEXED, MAX_SUB_ATTRIBUTES, MAX_SUGGESTIONS, MAX_URI,
    characteristics::{Members, check_schemas, refuse_repeated},
};
use crate::{
    Invalid, discovery,
    messages::member,
    path,
    schema::{Attribute, Index, Mutability, Returned, Schema, Type, Uniqueness, urn},
};

/// URIs that begin so belong to the RFCs or to this program.
const RESERVED_URIS: [&str; 5] = [
    "urn:ietf:params:scim:api:",
    "urn:ietf:params:scim:schemas:core:",
    "urn:ietf:params:scim:event:",
    "urn:ietf:params:scim:param:",
    "urn:civitas:",
];

/// Names that rules give a meaning beyond the schema, or that every resource has anyway
/// (RFC 7643 §3.1).
const RESERVED_NAMES: [&str; 7] = [
    "schemas",
    "id",
    "externalId",
    "meta",
    "members",
    "groups",
    "password",
];

/// Reads the body that defines a schema.
///
/// # Errors
///
/// `invalidSyntax` if the body is no Schema resource; `invalidValue` with the place if a
/// definition breaks a rule of RFC 7643 §2 or §7 or exceeds a limit of [`super`].
pub fn read_schema(body: &Value) -> Result<Schema, Invalid> {
    let known = [
        "schemas",
        "id",
        "name",
        "description",
        "attributes",
        "meta",
        INDEX_EXTENSION,
    ];
    let members = Members::of("the schema", body, &known)?;
    check_schemas(&members, urn::SCHEMA)?;
    let id = members.required_text("id")?;
    check_uri(id)?;
    let attributes = members.list("attributes", MAX_ATTRIBUTES)?;
    let attributes = attributes
        .iter()
        .enumerate()
        .map(|(number, value)| attribute(format!("attributes[{number}]"), value, true))
        .collect::<Result<Vec<_>, _>>()?;
    refuse_repeated("attributes", attributes.iter().map(|it| it.name.as_str()))?;
    let mut schema = Schema {
        id: id.into(),
        name: members.text("name")?.unwrap_or_else(|| last(id)).into(),
        description: members.text("description")?.unwrap_or_default().into(),
        attributes,
    };
    choose_indexes(&mut schema, body)?;
    Ok(schema)
}

/// Sets the indexes that the extension of a Schema resource chooses, beside those there are.
/// A unique attribute is always indexed.
///
/// # Errors
///
/// `invalidValue` if a path names no attribute that can be indexed, or there are too many.
pub fn choose_indexes(schema: &mut Schema, body: &Value) -> Result<(), Invalid> {
    let chosen = body.as_object().and_then(|it| member(it, INDEX_EXTENSION));
    let none = json!({});
    let chosen = chosen.filter(|it| !it.is_null()).unwrap_or(&none);
    let extension = Members::of(INDEX_EXTENSION, chosen, &["indexed", "building"])?;
    for path in extension.texts("indexed", MAX_INDEXED)? {
        let attribute = schema.attribute_mut(&path).ok_or_else(|| {
            extension.wrong(
                "indexed",
                &format!("{}: the schema has no such attribute", path::shown(&path)),
            )
        })?;
        let is_derived = RESERVED_NAMES
            .iter()
            .any(|it| path.split('.').next() == Some(it));
        if is_derived || matches!(attribute.r#type, Type::Complex | Type::Binary) {
            return Err(extension.wrong(
                "indexed",
                &format!("{}: such an attribute has no index", path::shown(&path)),
            ));
        }
        attribute.index = Index::Complete;
    }
    if indexed(schema).len() > MAX_INDEXED {
        return Err(extension.wrong("indexed", &format!("may have {MAX_INDEXED} at most")));
    }
    Ok(())
}

/// The paths of the attributes of a schema that are indexed: `badge`, `desk.floor`.
pub fn indexed(schema: &Schema) -> Vec<String> {
    let mut paths = Vec::new();
    for attribute in &schema.attributes {
        let is_indexed = |it: &&Attribute| it.index != Index::None;
        paths.extend(Some(attribute).filter(is_indexed).map(|it| it.name.clone()));
        let subs = attribute.sub_attributes.iter().filter(is_indexed);
        paths.extend(subs.map(|sub| format!("{}.{}", attribute.name, sub.name)));
    }
    paths
}

/// A schema in the form that it was read from, without `meta`.
pub fn schema_document(schema: &Schema) -> Value {
    let mut document = json!({
        "schemas": [urn::SCHEMA],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": discovery::attributes(schema),
    });
    let indexed = indexed(schema);
    if !indexed.is_empty() {
        document["schemas"] = json!([urn::SCHEMA, INDEX_EXTENSION]);
        document[INDEX_EXTENSION] = json!({ "indexed": indexed });
    }
    document
}

/// A URN (RFC 8141) that is not reserved, of characters that need no encoding in a path.
fn check_uri(uri: &str) -> Result<(), Invalid> {
    let lower = uri.to_ascii_lowercase();
    let mut parts = lower.splitn(3, ':');
    let (scheme, space, rest) = (parts.next(), parts.next(), parts.next());
    let is_space = |it: &str| {
        (2..=32).contains(&it.len())
            && it
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !it.starts_with('-')
    };
    let is_rest = |it: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:!$()*+,;=@".contains(&byte);
        it.starts_with(|first: char| first.is_ascii_alphanumeric())
            && it.ends_with(|last: char| last.is_ascii_alphanumeric())
            && it.bytes().all(plain)
    };
    let shaped = scheme == Some("urn")
        && space.is_some_and(is_space)
        && rest.is_some_and(is_rest)
        && uri.len() <= MAX_URI;
    if !shaped {
        return Err(Invalid::value(format!(
            "id: {} is no URN such as urn:example:scim:schemas:2.0:Badge, of at most {MAX_URI} \
             letters, digits and punctuation",
            path::shown(uri)
        )));
    }
    let is_standard = lower == urn::ENTERPRISE_USER.to_ascii_lowercase();
    if is_standard || RESERVED_URIS.iter().any(|it| lower.starts_with(it)) {
        return Err(Invalid::value(format!("id: {uri} is reserved")));
    }
    Ok(())
}

fn last(uri: &str) -> &str {
    uri.rsplit(':').next().unwrap_or(uri)
}

/// A definition of an attribute, or of a sub-attribute, which has no sub-attributes
/// (RFC 7643 §2.3.8).
fn attribute(at: String, value: &Value, may_be_complex: bool) -> Result<Attribute, Invalid> {
    const KNOWN: [&str; 12] = [
        "name",
        "type",
        "subAttributes",
        "multiValued",
        "description",
        "required",
        "canonicalValues",
        "caseExact",
        "mutability",
        "returned",
        "uniqueness",
        "referenceTypes",
    ];
    let members = Members::of(at, value, &KNOWN)?;
    let name = members.name()?;
    let members = Members::of(format!("{} {name}", members.at), value, &KNOWN)?;
    if may_be_complex
        && RESERVED_NAMES
            .iter()
            .any(|it| it.eq_ignore_ascii_case(name))
    {
        return Err(members.wrong("name", "is reserved"));
    }
    let r#type = members
        .keyword::<Type>(
            "type",
            "string, boolean, decimal, integer, dateTime, binary, reference, complex",
        )?
        .unwrap_or_default();
    let sub_attributes = sub_attributes(&members, r#type, may_be_complex)?;
    let mut attribute = Attribute {
        name: name.into(),
        r#type,
        sub_attributes,
        multi_valued: members.boolean("multiValued")?.unwrap_or(false),
        description: members.text("description")?.unwrap_or_default().into(),
        required: members.boolean("required")?.unwrap_or(false),
        canonical_values: canonical_values(&members, r#type)?,
        case_exact: case_exact(&members, r#type)?,
        mutability: mutability(&members)?,
        returned: returned(&members)?,
        uniqueness: uniqueness(&members, r#type)?,
        reference_types: reference_types(&members, r#type)?,
        ..Attribute::default()
    };
    if attribute.required && attribute.mutability == Mutability::ReadOnly {
        return Err(members.wrong("required", "asks for what a readOnly attribute never gets"));
    }
    if attribute.uniqueness != Uniqueness::None {
        attribute.index = Index::Complete;
    }
    Ok(attribute)
}

fn sub_attributes(
    members: &Members<'_>,
    r#type: Type,
    may_be_complex: bool,
) -> Result<Vec<Attribute>, Invalid> {
    let listed = members.list("subAttributes", MAX_SUB_ATTRIBUTES)?;
    match (r#type, listed.is_empty()) {
        (Type::Complex, _) if !may_be_complex => Err(members.wrong(
            "type",
            "is complex, which a sub-attribute cannot be (RFC 7643 §2.3.8)",
        )),
        (Type::Complex, true) => Err(members.wrong("subAttributes", "are required")),
        (Type::Complex, false) => {
            let subs = listed
                .iter()
                .enumerate()
                .map(|(number, value)| {
                    attribute(
                        format!("{}.subAttributes[{number}]", members.at),
                        value,
                        false,
                    )
                })
                .collect::<Result<Vec<_>, _>>()?;
            let at = format!("{}.subAttributes", members.at);
            refuse_repeated(&at, subs.iter().map(|it| it.name.as_str()))?;
            Ok(subs)
        }
        (_, false) => Err(members.wrong("subAttributes", "belong to complex attributes only")),
        (_, true) => Ok(Vec::new()),
    }
}

fn canonical_values(members: &Members<'_>, r#type: Type) -> Result<Vec<String>, Invalid> {
    let values = members.texts("canonicalValues", MAX_SUGGESTIONS)?;
    if !values.is_empty() && r#type != Type::String {
        return Err(members.wrong("canonicalValues", "belong to strings only"));
    }
    Ok(values)
}

/// References and binary values distinguish case unless they say otherwise (RFC 7643 §2.3.6,
/// §2.3.7); where case means nothing, nothing but `false` may be said.
fn case_exact(members: &Members<'_>, r#type: Type) -> Result<bool, Invalid> {
    let said = members.boolean("caseExact")?;
    match r#type {
        Type::String => Ok(said.unwrap_or(false)),
        Type::Reference => Ok(said.unwrap_or(true)),
        Type::Binary => Ok(true),
        _ if said == Some(true) => Err(members.wrong("caseExact", "has no meaning for this type")),
        _ => Ok(false),
    }
}

fn mutability(members: &Members<'_>) -> Result<Mutability, Invalid> {
    let keywords = "readOnly, readWrite, immutable, writeOnly";
    match members.keyword("mutability", keywords)?.unwrap_or_default() {
        Mutability::WriteOnly => Err(members.wrong(
            "mutability",
            "is writeOnly; values that are never returned are kept for password only",
        )),
        mutability => Ok(mutability),
    }
}

fn returned(members: &Members<'_>) -> Result<Returned, Invalid> {
    let keywords = "always, never, default, request";
    match members.keyword("returned", keywords)?.unwrap_or_default() {
        Returned::Never => Err(members.wrong(
            "returned",
            "is never; values that are never returned are kept for password only",
        )),
        returned => Ok(returned),
    }
}

fn uniqueness(members: &Members<'_>, r#type: Type) -> Result<Uniqueness, Invalid> {
    let said: Uniqueness = members
        .keyword("uniqueness", "none, server, global")?
        .unwrap_or_default();
    let may = matches!(
        r#type,
        Type::String | Type::Reference | Type::Integer | Type::Decimal
    );
    if said != Uniqueness::None && !may {
        return Err(members.wrong("uniqueness", "has no meaning for this type"));
    }
    Ok(said)
}

fn reference_types(members: &Members<'_>, r#type: Type) -> Result<Vec<String>, Invalid> {
    let types = members.texts("referenceTypes", MAX_SUGGESTIONS)?;
    if r#type != Type::Reference && !types.is_empty() {
        return Err(members.wrong("referenceTypes", "belong to references only"));
    }
    if let Some(wrong) = types.iter().find(|it| !path::is_name(it)) {
        return Err(members.wrong(
            "referenceTypes",
            &format!(
                "{} is neither external, uri, nor the name of a resource type",
                path::shown(wrong)
            ),
        ));
    }
    if r#type == Type::Reference && types.is_empty() {
        return Ok(vec!["uri".into()]);
    }
    Ok(types)
}
