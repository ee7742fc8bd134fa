//! What clients send that the RFCs do not allow, and that is accepted all the same.

/// Switches for tolerated forms of input. Output never depends on them.
///
/// [`Tolerance::GENERIC`] is the default; [`Tolerance::STRICT`] is what
/// `Prefer: handling=strict` (RFC 7240 §4.4) leaves on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each switch is independent of the others"
)]
pub struct Tolerance {
    /// `"true"` and `"False"` for booleans.
    pub bool_strings: bool,
    /// Dotted paths, URNs and value paths as keys of a path-less PATCH value.
    pub dotted_keys: bool,
    /// `replace` through an `eq` filter that matches nothing creates the element.
    pub replace_upserts: bool,
    /// `manager` as a bare string or a one-element array; emptied forms unassign it.
    pub manager_forms: bool,
    /// A one-element array for a singular attribute.
    pub unwrap_singular: bool,
    /// Unknown URIs in `schemas`.
    pub foreign_schemas: bool,
    /// Unknown attributes in bodies and path-less PATCH values.
    pub unknown_attributes: bool,
    /// Counters of a search request as numeric strings.
    pub number_strings: bool,
    /// `addresses.country` that is no ISO 3166-1 alpha-2 code.
    pub free_country: bool,
}

impl Tolerance {
    /// For clients of which nothing is known.
    pub const GENERIC: Self = Self {
        bool_strings: true,
        dotted_keys: true,
        replace_upserts: false,
        manager_forms: true,
        unwrap_singular: false,
        foreign_schemas: true,
        unknown_attributes: true,
        number_strings: true,
        free_country: true,
    };

    /// For requests with `Prefer: handling=strict`.
    pub const STRICT: Self = Self {
        bool_strings: false,
        dotted_keys: false,
        replace_upserts: false,
        manager_forms: false,
        unwrap_singular: false,
        foreign_schemas: false,
        unknown_attributes: false,
        number_strings: false,
        free_country: false,
    };
}
