//! The query of a request URL (RFC 7644 §3.4.2, §3.9).

use civitas_scim::{
    projection::{self, Projection},
    schema::ResourceType,
};

use crate::{
    call::Call,
    form::{self, Pairs},
    refusal::Refusal,
};

/// The decoded pairs of the request's query.
pub(super) fn pairs<'c>(call: &'c Call<'_>) -> Result<Pairs<'c>, Refusal> {
    form::pairs(call.parts.uri.query().unwrap_or_default()).ok_or(Refusal::MalformedQuery)
}

/// The projection that the query asks for.
pub(super) fn projection(call: &Call<'_>, kind: &ResourceType) -> Result<Projection, Refusal> {
    if call.parts.uri.query().is_none() {
        return Ok(Projection::default());
    }
    let pairs = pairs(call)?;
    let attributes = names(&pairs, "attributes");
    let excluded = names(&pairs, "excludedAttributes");
    Ok(Projection::parse(Some(&attributes), Some(&excluded), kind)?)
}

/// The value of the filter parameter, if there is one.
pub(super) fn filter(call: &Call<'_>) -> Result<Option<String>, Refusal> {
    let mut pairs = pairs(call)?.into_iter();
    Ok(pairs
        .find(|(name, _)| name.eq_ignore_ascii_case("filter"))
        .map(|(_, value)| value.into_owned()))
}

/// Attribute names of a parameter: separated by commas, the parameter possibly repeated.
fn names(pairs: &Pairs<'_>, parameter: &str) -> Vec<String> {
    let named = pairs
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(parameter));
    named
        .flat_map(|(_, value)| projection::names(value))
        .collect()
}
