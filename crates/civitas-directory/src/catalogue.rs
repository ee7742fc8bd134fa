//! What a tenant serves: its resource types with their schemas. Every tenant starts with
//! those of RFC 7643; what its administrators define comes on top.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use civitas_scim::{
    Invalid, core,
    definition::{self, TypeDefinition},
    schema::{Extension, Index, ResourceType, Schema},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::record::{Timestamp, Version};

/// What the administrators of a tenant have defined.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Definitions {
    /// Schemas, in the order of their creation.
    pub schemas: Vec<Defined<Schema>>,
    /// Resource types, in the order of their creation; among them those of RFC 7643 if their
    /// extensions were changed.
    pub types: Vec<Defined<TypeDefinition>>,
    /// Attributes to index of the schemas of RFC 7643, by URI and path in the schema.
    pub indexes: BTreeMap<String, Defined<Vec<String>>>,
}

/// A definition and its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defined<T> {
    /// What was defined.
    pub value: T,
    /// `meta.created`.
    pub created: Timestamp,
    /// `meta.lastModified`.
    pub modified: Timestamp,
    /// `meta.version`: the version of the catalogue that the last change made.
    pub version: Version,
}

/// An index that does not hold all values yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Name of the resource type.
    pub resource_type: String,
    /// Canonical path of the attribute.
    pub path: String,
    /// Resources of the type that were looked at.
    pub examined: u64,
    /// Resources of the type that there are.
    pub total: u64,
}

/// The resource types and schemas of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    version: Version,
    definitions: Definitions,
    builds: Vec<Build>,
    types: Vec<ResourceType>,
}

impl Default for Catalogue {
    /// See [`Catalogue::standard`].
    fn default() -> Self {
        Self::new(Version(0), Definitions::default(), Vec::new())
    }
}

impl Catalogue {
    /// What every tenant starts with: User with the enterprise extension, and Group.
    pub fn standard() -> Arc<Self> {
        static STANDARD: LazyLock<Arc<Catalogue>> = LazyLock::new(Arc::default);
        Arc::clone(&STANDARD)
    }

    /// What definitions make of the standard, with the indexes that are being built.
    pub fn new(version: Version, definitions: Definitions, builds: Vec<Build>) -> Self {
        let types = resolve(&definitions, &builds);
        Self {
            version,
            definitions,
            builds,
            types,
        }
    }

    /// The state of the definitions: what a change set is computed by. It rises with every
    /// change of a definition, and with nothing else.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What the tenant has defined.
    pub fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    /// The indexes that are being built.
    pub fn builds(&self) -> &[Build] {
        &self.builds
    }

    /// The resource types served, in the order of discovery.
    pub fn resource_types(&self) -> &[ResourceType] {
        &self.types
    }

    /// The resource type of that name.
    pub fn resource_type(&self, name: &str) -> Option<&ResourceType> {
        self.types.iter().find(|it| it.name == name)
    }

    /// The schemas of resources: those of the types, then those that no type uses.
    pub fn schemas(&self) -> Vec<&Schema> {
        let mut schemas: Vec<&Schema> = Vec::new();
        let used = self.types.iter().flat_map(ResourceType::schemas);
        for schema in used.chain(self.definitions.schemas.iter().map(|it| &it.value)) {
            if schemas.iter().all(|known| known.id != schema.id) {
                schemas.push(schema);
            }
        }
        schemas
    }

    /// The schema of that URI, compared without case.
    pub fn schema(&self, uri: &str) -> Option<&Schema> {
        let mut schemas = self.schemas().into_iter();
        schemas.find(|it| it.id.eq_ignore_ascii_case(uri))
    }
}

impl Definitions {
    /// The definition of a schema, by its URI without case.
    pub fn schema(&self, uri: &str) -> Option<&Defined<Schema>> {
        let mut schemas = self.schemas.iter();
        schemas.find(|it| it.value.id.eq_ignore_ascii_case(uri))
    }

    /// The definition of a resource type.
    pub fn resource_type(&self, name: &str) -> Option<&Defined<TypeDefinition>> {
        self.types.iter().find(|it| it.value.name == name)
    }

    /// As a text to be stored.
    pub fn to_text(&self) -> String {
        let schemas = self.schemas.iter();
        let types = self.types.iter();
        let indexes = self.indexes.iter();
        let indexes: BTreeMap<_, _> = indexes
            .map(|(uri, it)| (uri, it.stored(json!(it.value))))
            .collect();
        json!({
            "schemas": schemas
                .map(|it| it.stored(definition::schema_document(&it.value)))
                .collect::<Vec<_>>(),
            "types": types.map(|it| it.stored(it.value.document())).collect::<Vec<_>>(),
            "indexes": indexes,
        })
        .to_string()
    }

    /// Reads what [`Definitions::to_text`] wrote.
    ///
    /// # Errors
    /// The text is something else: the store is damaged.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let stored: StoredDefinitions = serde_json::from_str(text)
            .map_err(|error| Invalid::syntax(format!("the definitions cannot be read: {error}")))?;
        let schemas = stored.schemas.into_iter();
        let types = stored.types.into_iter();
        let indexes = stored.indexes.into_iter();
        let paths = |document: &Value| {
            serde_json::from_value(document.clone())
                .map_err(|error| Invalid::syntax(error.to_string()))
        };
        Ok(Self {
            schemas: schemas
                .map(|it| it.read(definition::read_schema))
                .collect::<Result<_, _>>()?,
            types: types
                .map(|it| it.read(TypeDefinition::read))
                .collect::<Result<_, _>>()?,
            indexes: indexes
                .map(|(uri, it)| Ok((uri, it.read(paths)?)))
                .collect::<Result<_, Invalid>>()?,
        })
    }
}

/// The form of [`Definitions`] in a store. Schemas and types stand there as they are
/// published.
#[derive(Deserialize)]
struct StoredDefinitions {
    schemas: Vec<Stored>,
    types: Vec<Stored>,
    indexes: BTreeMap<String, Stored>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    document: Value,
    created: i64,
    modified: i64,
    version: i64,
}

impl<T> Defined<T> {
    fn stored(&self, document: Value) -> Stored {
        Stored {
            document,
            created: self.created.0,
            modified: self.modified.0,
            version: self.version.0,
        }
    }
}

impl Stored {
    fn read<T>(
        self,
        value: impl FnOnce(&Value) -> Result<T, Invalid>,
    ) -> Result<Defined<T>, Invalid> {
        Ok(Defined {
            value: value(&self.document)?,
            created: Timestamp(self.created),
            modified: Timestamp(self.modified),
            version: Version(self.version),
        })
    }
}

fn resolve(definitions: &Definitions, builds: &[Build]) -> Vec<ResourceType> {
    let standard = [core::user(), core::group()];
    let mut schemas: Vec<Schema> = Vec::new();
    for resource_type in &standard {
        schemas.push(resource_type.schema.clone());
        let extensions = resource_type.extensions.iter();
        schemas.extend(extensions.map(|it| it.schema.clone()));
    }
    for schema in &mut schemas {
        if let Some(paths) = definitions.indexes.get(&schema.id) {
            // The paths were checked when they were chosen.
            let _ = definition::choose_indexes(
                schema,
                &json!({ definition::INDEX_EXTENSION: { "indexed": paths.value } }),
            );
        }
    }
    schemas.extend(definitions.schemas.iter().map(|it| it.value.clone()));
    let standard_types = standard.iter().map(|standard| {
        definitions
            .resource_type(&standard.name)
            .map_or_else(|| TypeDefinition::of(standard), |it| it.value.clone())
    });
    let own = definitions.types.iter().map(|it| it.value.clone());
    let own = own.filter(|it| standard.iter().all(|standard| standard.name != it.name));
    let types = standard_types.chain(own);
    types
        .filter_map(|it| resolve_type(&it, &schemas, builds))
        .collect()
}

/// `None` if the base schema is not there, which no stored definition lacks.
fn resolve_type(
    definition: &TypeDefinition,
    schemas: &[Schema],
    builds: &[Build],
) -> Option<ResourceType> {
    let named = |uri: &str| {
        let schema = schemas.iter().find(|it| it.id.eq_ignore_ascii_case(uri));
        schema.cloned()
    };
    let extensions = definition.extensions.iter().filter_map(|it| {
        Some(Extension {
            schema: named(&it.schema)?,
            required: it.required,
        })
    });
    let mut resource_type = ResourceType {
        name: definition.name.clone(),
        endpoint: definition.endpoint.clone(),
        description: definition.description.clone(),
        schema: named(&definition.schema)?,
        extensions: extensions.collect(),
        common: core::common(),
    };
    for build in builds
        .iter()
        .filter(|it| it.resource_type == definition.name)
    {
        if let Some(attribute) = resource_type.attribute_mut(&build.path) {
            attribute.index = Index::Building;
        }
    }
    Some(resource_type)
}
