//! The values that some attributes of users are chosen from.

use civitas_scim::schema::ResourceType;
use serde_json::{Value, json};

use super::{
    call::Call,
    discovery,
    fault::{Failure, Fault},
    object::Object,
    parameters::Parameters,
};
use crate::{
    country::COUNTRIES,
    reply::Reply,
    time_zone::{FURTHER_NAMES, TIME_ZONES},
};

/// The type of what says which values there are.
pub(super) const ALLOWED_VALUES: &str = "AllowedValues";

const SCHEMA: &str = "urn:ietf:params:scim:schemas:oracle:idcs:AllowedValue";

/// A list of values.
#[derive(Debug, Clone, Copy)]
enum List {
    Countries,
    TimeZones,
}

impl List {
    const ALL: [Self; 2] = [Self::Countries, Self::TimeZones];

    const fn name(self) -> &'static str {
        match self {
            Self::Countries => "countries",
            Self::TimeZones => "timezones",
        }
    }

    /// Values with what people call them.
    fn values(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Countries => COUNTRIES.to_vec(),
            Self::TimeZones => {
                let further = FURTHER_NAMES.iter().map(|it| (*it, *it));
                TIME_ZONES.iter().copied().chain(further).collect()
            }
        }
    }

    fn holds(self, text: &str) -> bool {
        let mut values = self.values().into_iter();
        values.any(|(value, _)| value.eq_ignore_ascii_case(text))
    }

    fn document(self, call: &Call<'_>) -> Value {
        let values = self.values().into_iter();
        let values = values.map(|(value, label)| json!({ "value": value, "label": label }));
        json!({
            "schemas": [SCHEMA],
            "id": self.name(),
            "attrName": self.name(),
            "attrValues": values.collect::<Vec<_>>(),
            "meta": {
                "resourceType": "AllowedValue",
                "location": call.url(&format!("{ALLOWED_VALUES}/{}", self.name())),
            },
        })
    }
}

/// The lists that a filter selects.
pub(super) fn answer(call: &Call<'_>, parameters: &Parameters) -> Result<Reply, Failure> {
    let lists = List::ALL.into_iter().map(|it| it.document(call));
    let lists = lists.filter_map(|it| it.as_object().cloned());
    discovery::selected(lists.collect(), &row_type(), parameters)
}

fn row_type() -> ResourceType {
    discovery::row_type(ALLOWED_VALUES, SCHEMA, &["id", "attrName"], &[])
}

/// Refuses a user's values that stand in no list.
pub(super) fn check(before: &Object, after: &Object) -> Result<(), Fault> {
    let zone = |user: &Object| user.get("timezone").cloned();
    if zone(before) != zone(after) {
        check_value(List::TimeZones, "timezone", zone(after).as_ref())?;
    }
    if before.get("addresses") != after.get("addresses") {
        let addresses = after.get("addresses").and_then(Value::as_array);
        for address in addresses.into_iter().flatten() {
            check_value(List::Countries, "addresses.country", address.get("country"))?;
        }
    }
    Ok(())
}

fn check_value(list: List, path: &str, value: Option<&Value>) -> Result<(), Fault> {
    match value.and_then(Value::as_str) {
        Some(text) if !list.holds(text) => Err(Fault::not_allowed_value(text, path)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_of_their_lists() {
        for (user, is_allowed) in [
            (json!({ "timezone": "Europe/Berlin" }), true),
            (json!({ "timezone": "europe/berlin" }), true),
            (json!({ "timezone": "Europe/Nowhere" }), false),
            (json!({ "addresses": [{ "country": "DE" }, {}] }), true),
            (
                json!({ "addresses": [{ "country": "DE" }, { "country": "XX" }] }),
                false,
            ),
            (json!({}), true),
        ] {
            let after = user.as_object().unwrap();
            assert_eq!(check(&Object::new(), after).is_ok(), is_allowed, "{user}");
            // What has not changed is nobody's mistake.
            assert!(check(after, after).is_ok());
        }
    }
}
