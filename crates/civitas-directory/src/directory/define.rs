//! Defining schemas and resource types while resources exist.
//!
//! Every change is one of the definitions as a whole: what it demands of stored resources
//! follows from the catalogues before and after it, whatever was asked for, and the store
//! commits it under these claims.

use std::sync::Arc;

use civitas_scim::{
    Invalid,
    definition::{
        self, Claim, Demand, ExtensionUse, INDEX_EXTENSION, Reason, TypeDefinition,
        extension_changed, schema_changed,
    },
    schema::{ResourceType, Schema, urn},
};
use serde_json::Value;

use super::Directory;
use crate::{
    catalogue::{Catalogue, Defined, Definitions},
    error::Error,
    precondition::Expect,
    record::{Timestamp, Version},
    redefinition::{IndexOf, Redefinition, Refused, TypeClaim},
    scope::Scope,
};

/// Most schemas that a tenant may define.
pub const MAX_SCHEMAS: usize = 100;
/// Most resource types that a tenant may define.
pub const MAX_TYPES: usize = 50;

/// How often a change of definitions is computed again when another overtakes it.
const MAX_ATTEMPTS: usize = 10;

impl Directory {
    /// Adds a schema (`POST /Schemas`). Gives its URI and the catalogue with it.
    pub async fn define_schema(
        &self,
        scope: &Scope,
        body: &Value,
    ) -> Result<(String, Arc<Catalogue>), Error> {
        let schema = definition::read_schema(body)?;
        let uri = schema.id.clone();
        let catalogue = self
            .redefine(scope, |old, stamp| {
                if old.schema(&schema.id).is_some() {
                    return Err(Error::Taken { path: "id".into() });
                }
                let mut new = old.definitions().clone();
                new.schemas.push(stamp.first(schema.clone()));
                Ok(new)
            })
            .await?;
        Ok((uri, catalogue))
    }

    /// Replaces a schema (`PUT /Schemas/{uri}`); of one of RFC 7643 the choice of indexes.
    pub async fn redefine_schema(
        &self,
        scope: &Scope,
        uri: &str,
        expect: &Expect,
        body: &Value,
    ) -> Result<Arc<Catalogue>, Error> {
        self.redefine(scope, |old, stamp| {
            let known = old.schema(uri).ok_or_else(|| no_schema(uri))?;
            let mut new = old.definitions().clone();
            let Some(place) = position(&new.schemas, |it| it.id == known.id) else {
                let paths = chosen_indexes(&known.id, body)?;
                let was = new.indexes.get(&known.id);
                expect.check_state(version_of(was), modified_of(was))?;
                let chosen = was.map_or_else(
                    || stamp.first(paths.clone()),
                    |it| stamp.next(it, paths.clone()),
                );
                new.indexes.insert(known.id.clone(), chosen);
                return Ok(new);
            };
            let was = &new.schemas[place];
            expect.check_state(was.version, was.modified)?;
            let schema = definition::read_schema(body)?;
            if schema.id != known.id {
                return Err(Invalid::value(format!("id must be {}", known.id)).into());
            }
            new.schemas[place] = stamp.next(was, schema);
            Ok(new)
        })
        .await
    }

    /// Removes a schema (`DELETE /Schemas/{uri}`).
    pub async fn remove_schema(
        &self,
        scope: &Scope,
        uri: &str,
        expect: &Expect,
    ) -> Result<(), Error> {
        let removed = self.redefine(scope, |old, _| {
            let known = old.schema(uri).ok_or_else(|| no_schema(uri))?;
            let mut new = old.definitions().clone();
            let Some(place) = position(&new.schemas, |it| it.id == known.id) else {
                return Err(fixed(&known.id));
            };
            let was = new.schemas.remove(place);
            expect.check_state(was.version, was.modified)?;
            let types = old.resource_types().iter();
            if let Some(user) = types.map(TypeDefinition::of).find(|it| it.uses(&known.id)) {
                let name = &user.name;
                let text = format!("{} is used by the resource type {name}", known.id);
                return Err(Error::InUse(text));
            }
            Ok(new)
        });
        removed.await.map(drop)
    }

    /// Adds a resource type (`POST /ResourceTypes`). Gives its name and the catalogue with it.
    pub async fn define_type(
        &self,
        scope: &Scope,
        body: &Value,
    ) -> Result<(String, Arc<Catalogue>), Error> {
        let defined = TypeDefinition::read(body)?;
        let name = defined.name.clone();
        let catalogue = self
            .redefine(scope, |old, stamp| {
                let mut types = old.resource_types().iter();
                if types.any(|it| it.name.eq_ignore_ascii_case(&defined.name)) {
                    return Err(Error::Taken {
                        path: "name".into(),
                    });
                }
                let mut new = old.definitions().clone();
                new.types.push(stamp.first(spelled(&defined, old)));
                Ok(new)
            })
            .await?;
        Ok((name, catalogue))
    }

    /// Replaces a resource type (`PUT /ResourceTypes/{name}`); of one of RFC 7643 the
    /// extensions.
    pub async fn redefine_type(
        &self,
        scope: &Scope,
        name: &str,
        expect: &Expect,
        body: &Value,
    ) -> Result<Arc<Catalogue>, Error> {
        self.redefine(scope, |old, stamp| {
            let known = old.resource_type(name).ok_or_else(|| no_type(name))?;
            let place = position(&old.definitions().types, |it| it.name == name);
            let was = place.map(|place| &old.definitions().types[place]);
            expect.check_state(version_of(was), modified_of(was))?;
            let defined = spelled(&TypeDefinition::read(body)?, old);
            if defined.name != name {
                return Err(Invalid::value(format!("name must be {name}")).into());
            }
            if is_standard(name)
                && (defined.endpoint != known.endpoint || defined.schema != known.schema.id)
            {
                let text = format!("of the resource type {name} only the extensions can change");
                return Err(Invalid::mutability(text).into());
            }
            let mut new = old.definitions().clone();
            match (place, was) {
                (Some(place), Some(was)) => new.types[place] = stamp.next(was, defined),
                _ => new.types.push(stamp.first(defined)),
            }
            Ok(new)
        })
        .await
    }

    /// Removes a resource type (`DELETE /ResourceTypes/{name}`).
    pub async fn remove_type(
        &self,
        scope: &Scope,
        name: &str,
        expect: &Expect,
    ) -> Result<(), Error> {
        let removed = self.redefine(scope, |old, _| {
            if is_standard(name) {
                return Err(fixed(name));
            }
            let mut new = old.definitions().clone();
            let place = position(&new.types, |it| it.name == name).ok_or_else(|| no_type(name))?;
            let was = new.types.remove(place);
            expect.check_state(was.version, was.modified)?;
            Ok(new)
        });
        removed.await.map(drop)
    }

    /// Adds schemas by which a dialect extends resource types, each with the name of its type,
    /// and resource types, each with its schema, as far as they are not there. Gives the
    /// catalogue with them.
    pub async fn adopt(
        &self,
        scope: &Scope,
        extensions: &[(&str, Value)],
        types: &[(Value, Value)],
    ) -> Result<Arc<Catalogue>, Error> {
        self.redefine(scope, |old, stamp| {
            let mut new = old.definitions().clone();
            for (name, body) in extensions {
                let schema = definition::read_schema(body)?;
                extend(&mut new, old, stamp, name, &schema.id)?;
                if new.schema(&schema.id).is_none() {
                    new.schemas.push(stamp.first(schema));
                }
            }
            for (body, schema) in types {
                let (defined, schema) = (
                    TypeDefinition::read(body)?,
                    definition::read_schema(schema)?,
                );
                match new.resource_type(&defined.name) {
                    Some(known) if known.value.schema == defined.schema => {}
                    Some(_) => {
                        let text = format!(
                            "the resource type {} of this tenant is another one",
                            defined.name
                        );
                        return Err(Error::InUse(text));
                    }
                    None => new.types.push(stamp.first(defined)),
                }
                if new.schema(&schema.id).is_none() {
                    new.schemas.push(stamp.first(schema));
                }
            }
            Ok(new)
        })
        .await
    }

    /// Removes a resource type that a dialect added, of which there are no resources, with its
    /// schema. Gives the catalogue without them.
    pub async fn retire(&self, scope: &Scope, name: &str) -> Result<Arc<Catalogue>, Error> {
        self.redefine(scope, |old, _| {
            if is_standard(name) {
                return Err(fixed(name));
            }
            let mut new = old.definitions().clone();
            let place = position(&new.types, |it| it.name == name).ok_or_else(|| no_type(name))?;
            let was = new.types.remove(place).value;
            let is_used = new.types.iter().any(|it| it.value.uses(&was.schema));
            new.schemas
                .retain(|it| is_used || !it.value.id.eq_ignore_ascii_case(&was.schema));
            Ok(new)
        })
        .await
    }

    /// Commits what `change` makes of the definitions in force, computed again when another
    /// change overtakes it.
    async fn redefine(
        &self,
        scope: &Scope,
        change: impl Fn(&Catalogue, &Stamp) -> Result<Definitions, Error>,
    ) -> Result<Arc<Catalogue>, Error> {
        for _ in 0..MAX_ATTEMPTS {
            let old = self.store.catalogue(scope.partition).await?;
            let stamp = Stamp {
                at: scope.now,
                version: Version(old.version().0 + 1),
            };
            let definitions = change(&old, &stamp)?;
            // Of several who add the same at once the first has done it.
            if definitions == *old.definitions() {
                return Ok(old);
            }
            check(&definitions)?;
            let new = Catalogue::new(stamp.version, definitions, old.builds().to_vec());
            let (redefinition, reasons) = redefinition(&old, &new);
            match self.store.redefine(scope.partition, redefinition).await {
                Ok(()) => {
                    self.access.forget_tenants();
                    self.redefined.notify_one();
                    tracing::info!(
                        actor = scope.actor,
                        request_id = scope.request_id,
                        version = stamp.version.0,
                        "the definitions of a tenant changed"
                    );
                    return Ok(self.store.catalogue(scope.partition).await?);
                }
                Err(Refused::Outdated) => {}
                Err(Refused::Broken { claim, id }) => {
                    let reason = reasons
                        .get(claim)
                        .map_or_else(String::new, ToString::to_string);
                    return Err(Error::InUse(format!("{reason} (see {id})")));
                }
                Err(Refused::Overloaded) => return Err(Error::Overloaded),
                Err(Refused::Unavailable(cause)) => return Err(Error::Unavailable(cause)),
            }
        }
        Err(Error::Conflict)
    }
}

/// Makes a schema an extension of a resource type, unless it is one.
fn extend(
    definitions: &mut Definitions,
    old: &Catalogue,
    stamp: &Stamp,
    name: &str,
    uri: &str,
) -> Result<(), Error> {
    let known = old.resource_type(name).ok_or_else(|| no_type(name))?;
    let place = position(&definitions.types, |it| it.name == name);
    let was = place.map(|place| &definitions.types[place]);
    let mut defined = was.map_or_else(|| TypeDefinition::of(known), |it| it.value.clone());
    if defined.uses(uri) {
        return Ok(());
    }
    defined.extensions.push(ExtensionUse {
        schema: uri.to_owned(),
        required: false,
    });
    match (place, was) {
        (Some(place), Some(was)) => definitions.types[place] = stamp.next(was, defined),
        _ => definitions.types.push(stamp.first(defined)),
    }
    Ok(())
}

/// When a definition changes, and to which version.
struct Stamp {
    at: Timestamp,
    version: Version,
}

impl Stamp {
    fn first<T>(&self, value: T) -> Defined<T> {
        Defined {
            value,
            created: self.at,
            modified: self.at,
            version: self.version,
        }
    }

    fn next<T>(&self, was: &Defined<T>, value: T) -> Defined<T> {
        Defined {
            created: was.created,
            ..self.first(value)
        }
    }
}

/// What has to be committed for a catalogue to become another, and why each claim is made.
fn redefinition(old: &Catalogue, new: &Catalogue) -> (Redefinition, Vec<Reason>) {
    let mut redefinition = Redefinition {
        expect: old.version(),
        definitions: new.definitions().clone(),
        claims: Vec::new(),
        indexes: Vec::new(),
        dropped: Vec::new(),
    };
    let mut reasons = Vec::new();
    for was in old.resource_types() {
        let is = new.resource_type(&was.name);
        for Demand { claim, reason } in demands(was, is) {
            redefinition.claims.push(TypeClaim {
                resource_type: was.name.clone(),
                claim,
            });
            reasons.push(reason);
        }
        let index_of = |path: String| IndexOf {
            resource_type: was.name.clone(),
            path,
        };
        let before = was.indexed_paths();
        let after = is.map(ResourceType::indexed_paths).unwrap_or_default();
        let come = after.iter().filter(|path| !before.contains(path));
        // What was no attribute before has no values.
        let come = come.filter(|path| was.clone().attribute_mut(path).is_some());
        redefinition.indexes.extend(come.cloned().map(index_of));
        let gone = before.iter().filter(|path| !after.contains(path));
        redefinition.dropped.extend(gone.cloned().map(index_of));
    }
    (redefinition, reasons)
}

fn demands(was: &ResourceType, is: Option<&ResourceType>) -> Vec<Demand> {
    let empty = |reason| {
        vec![Demand {
            claim: Claim::Empty,
            reason,
        }]
    };
    let Some(is) = is else {
        return empty(Reason::InUse(was.name.clone()));
    };
    if is.schema.id != was.schema.id {
        return empty(Reason::Rebased(was.name.clone()));
    }
    let mut demands = schema_changed(&was.schema, &is.schema, None);
    for gone in &was.extensions {
        let uri = &gone.schema.id;
        let kept = is.extension(uri);
        let required = kept.map(|it| it.required);
        demands.extend(extension_changed(uri, Some(gone.required), required));
        if let Some(kept) = kept {
            demands.extend(schema_changed(&gone.schema, &kept.schema, Some(uri)));
        }
    }
    let come = is.extensions.iter();
    let come = come.filter(|it| was.extension(&it.schema.id).is_none());
    demands.extend(come.filter_map(|it| extension_changed(&it.schema.id, None, Some(it.required))));
    demands
}

/// What no definition tells of itself: counts, names that are used twice, schemas that are
/// not there.
fn check(definitions: &Definitions) -> Result<(), Error> {
    let refuse = |text: String| Err(Invalid::value(text).into());
    if definitions.schemas.len() > MAX_SCHEMAS {
        return refuse(format!("a tenant may define {MAX_SCHEMAS} schemas at most"));
    }
    if definitions.types.len() > MAX_TYPES {
        return refuse(format!(
            "a tenant may define {MAX_TYPES} resource types at most"
        ));
    }
    let mut endpoints = vec!["/Users".to_owned(), "/Groups".to_owned()];
    for Defined { value, .. } in &definitions.types {
        check_schemas(value, definitions)?;
        if is_standard(&value.name) {
            continue;
        }
        if endpoints
            .iter()
            .any(|it| it.eq_ignore_ascii_case(&value.endpoint))
        {
            return Err(Error::Taken {
                path: "endpoint".into(),
            });
        }
        endpoints.push(value.endpoint.clone());
    }
    Ok(())
}

fn check_schemas(it: &TypeDefinition, definitions: &Definitions) -> Result<(), Error> {
    let is_defined = |uri: &str| definitions.schema(uri).is_some();
    if !is_standard(&it.name) && !is_defined(&it.schema) {
        let text = format!(
            "schema: {} is no schema that this tenant defined",
            it.schema
        );
        return Err(Invalid::value(text).into());
    }
    for ExtensionUse { schema, .. } in &it.extensions {
        // Rules about managers are rules about users.
        let is_own = it.name == "User" && schema == urn::ENTERPRISE_USER;
        if !is_own && !is_defined(schema) {
            let text = format!(
                "schemaExtensions: {schema} is no schema that can extend {}",
                it.name
            );
            return Err(Invalid::value(text).into());
        }
    }
    Ok(())
}

/// The paths that a body chooses to be indexed of a schema of RFC 7643, which it must repeat
/// otherwise unchanged or leave out.
fn chosen_indexes(uri: &str, body: &Value) -> Result<Vec<String>, Error> {
    let schema = Catalogue::standard().schema(uri).cloned();
    let mut schema = schema.ok_or_else(|| fixed(uri))?;
    let before = definition::indexed(&schema);
    let published = definition::schema_document(&schema);
    for member in ["id", "name", "description", "attributes"] {
        let said = body.get(member).filter(|it| !it.is_null());
        if said.is_some_and(|it| *it != published[member]) {
            let text = format!("{member}: of {uri} only {INDEX_EXTENSION} can change");
            return Err(Invalid::mutability(text).into());
        }
    }
    definition::choose_indexes(&mut schema, body)?;
    let mut paths = definition::indexed(&schema);
    paths.retain(|path| !before.contains(path));
    Ok(paths)
}

/// The definition with its schemas in the spelling in which they are defined.
fn spelled(defined: &TypeDefinition, catalogue: &Catalogue) -> TypeDefinition {
    let spell = |uri: &str| {
        let known: Option<&Schema> = catalogue.schema(uri);
        known.map_or_else(|| uri.to_owned(), |it| it.id.clone())
    };
    let extensions = defined.extensions.iter().map(|it| ExtensionUse {
        schema: spell(&it.schema),
        required: it.required,
    });
    TypeDefinition {
        schema: spell(&defined.schema),
        extensions: extensions.collect(),
        ..defined.clone()
    }
}

fn is_standard(name: &str) -> bool {
    matches!(name, "User" | "Group")
}

fn position<T>(all: &[Defined<T>], is: impl Fn(&T) -> bool) -> Option<usize> {
    all.iter().position(|it| is(&it.value))
}

/// Of what was never changed the version is that of a catalogue without definitions.
fn version_of<T>(was: Option<&Defined<T>>) -> Version {
    was.map_or(Version(0), |it| it.version)
}

fn modified_of<T>(was: Option<&Defined<T>>) -> Timestamp {
    was.map_or(Timestamp(0), |it| it.modified)
}

fn fixed(name: &str) -> Error {
    Invalid::mutability(format!("{name} is of RFC 7643 and stays")).into()
}

fn no_schema(uri: &str) -> Error {
    Error::NotFound {
        resource_type: "Schema".into(),
        id: uri.into(),
    }
}

fn no_type(name: &str) -> Error {
    Error::NotFound {
        resource_type: "ResourceType".into(),
        id: name.into(),
    }
}
