//! Cursors (RFC 9865): where a walk through a result goes on. A cursor holds its place and
//! nothing is kept of it here, so that any number of walks cost nothing between their pages.

use civitas_scim::{Invalid, ScimType, messages::SearchRequest, schema::ResourceType, value::Key};
use serde_json::{Number, Value, json};

use crate::{
    error::Error,
    record::Timestamp,
    scope::Scope,
    seal::Seal,
    store::{Place, Position},
};

const PURPOSE: &str = "cursor";

/// A walk between two of its pages.
#[derive(Debug, Clone, PartialEq)]
pub struct Walk {
    /// Most resources of a page, the same for all pages.
    pub count: usize,
    /// Where the last page ended.
    pub place: Place,
}

/// What a cursor is bound to: the caller and all of the query but its page.
pub(crate) struct Bound<'s> {
    seal: &'s Seal,
    query: [String; 4],
}

impl<'s> Bound<'s> {
    /// The binding of a request's cursors.
    pub(crate) fn new(
        seal: &'s Seal,
        scope: &Scope,
        types: &[&ResourceType],
        request: &SearchRequest,
    ) -> Self {
        let types: Vec<&str> = types.iter().map(|it| it.name.as_str()).collect();
        let query = json!([
            types,
            request.filter,
            request.sort_by,
            request.descending,
            request.attributes,
            request.excluded_attributes,
        ]);
        Self::to(seal, scope, query.to_string())
    }

    /// The binding to a query in whatever words.
    pub(crate) fn to(seal: &'s Seal, scope: &Scope, query: String) -> Self {
        Self {
            seal,
            query: [
                PURPOSE.to_owned(),
                // A reset ends cursors, because it takes back what they stand at.
                format!("{}.{}", scope.partition.raw(), scope.partition.generation()),
                scope.actor.clone(),
                query,
            ],
        }
    }

    /// The cursor of a walk.
    pub(crate) fn close(&self, walk: &Walk, now: Timestamp) -> Result<String, Error> {
        let Place {
            resource_type,
            position,
            key,
        } = &walk.place;
        let key = match key {
            None => Value::Null,
            Some(Key::Integer(integer)) => Value::from(*integer),
            Some(Key::Real(real)) => Number::from_f64(*real).map_or(Value::Null, Value::Number),
            Some(Key::Text(text)) => Value::from(text.as_str()),
        };
        let content = json!([now.0, walk.count, resource_type, position.0, key]).to_string();
        self.seal
            .close(&self.parts(), content.as_bytes())
            .map_err(Error::Unavailable)
    }

    /// The walk of a cursor that is at most `seconds` old.
    ///
    /// # Errors
    /// `invalidCursor` for whatever was not issued to this caller for this query, and
    /// `expiredCursor`, never with more than that (S-9865-5.2-04).
    pub(crate) fn open(&self, cursor: &str, now: Timestamp, seconds: u64) -> Result<Walk, Invalid> {
        let invalid = || {
            Invalid::new(
                ScimType::InvalidCursor,
                "the cursor was not issued for this query; start again with an empty one",
            )
        };
        let content = self.seal.open(&self.parts(), cursor).ok_or_else(invalid)?;
        let content = serde_json::from_slice(&content).map_err(|_| invalid())?;
        let (issued, count, resource_type, position, key): (i64, usize, String, i64, Value) =
            serde_json::from_value(content).map_err(|_| invalid())?;
        if now.0 > issued.saturating_add_unsigned(seconds.saturating_mul(1_000)) {
            return Err(Invalid::new(
                ScimType::ExpiredCursor,
                format!("the cursor is older than {seconds} s; start again with an empty one"),
            ));
        }
        let key = match key {
            Value::String(text) => Some(Key::Text(text)),
            Value::Number(number) if number.is_f64() => number.as_f64().map(Key::Real),
            Value::Number(number) => number.as_i64().map(Key::Integer),
            _ => None,
        };
        Ok(Walk {
            count,
            place: Place {
                resource_type,
                position: Position(position),
                key,
            },
        })
    }

    fn parts(&self) -> [&str; 4] {
        let [purpose, partition, actor, query] = &self.query;
        [purpose, partition, actor, query]
    }
}

#[cfg(test)]
mod tests {
    use civitas_scim::core;

    use super::*;
    use crate::tenant::Partition;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn scope(partition: i64, actor: &str) -> Scope {
        Scope {
            partition: Partition::from_raw(partition),
            catalogue: crate::Catalogue::standard(),
            require_preconditions: false,
            password_policy: None,
            actor: actor.into(),
            request_id: String::new(),
            now: NOW,
            ids: crate::Ids::Random,
            base: String::new(),
            patience: crate::admission::Patience::Short,
        }
    }

    #[test]
    fn a_cursor_is_good_for_its_caller_its_query_and_its_time() {
        let seal = Seal::derive(&[7; 32]).unwrap();
        let (user, group) = (core::user(), core::group());
        let request = SearchRequest {
            filter: Some("userName pr".into()),
            ..SearchRequest::default()
        };
        let here = Bound::new(&seal, &scope(1, "client:a"), &[&user], &request);
        let refused = |bound: &Bound<'_>, cursor: &str, at: i64| {
            let opened = bound.open(cursor, Timestamp(at), 60);
            opened.unwrap_err().scim_type
        };
        for key in [
            None,
            Some(Key::Integer(i64::MIN)),
            Some(Key::Real(1.5)),
            Some(Key::Real(1e300)),
            Some(Key::Text("å\"\0".into())),
        ] {
            let walk = Walk {
                count: 10,
                place: Place {
                    resource_type: "User".into(),
                    position: Position(7),
                    key,
                },
            };
            let cursor = here.close(&walk, NOW).unwrap();
            assert_eq!(here.open(&cursor, Timestamp(1_060_000), 60), Ok(walk));
            assert_eq!(refused(&here, &cursor, 1_060_001), ScimType::ExpiredCursor);
            for other in [
                Bound::new(&seal, &scope(2, "client:a"), &[&user], &request),
                Bound::new(&seal, &scope(1, "client:b"), &[&user], &request),
                Bound::new(&seal, &scope(1, "client:a"), &[&user, &group], &request),
                Bound::new(
                    &seal,
                    &scope(1, "client:a"),
                    &[&user],
                    &SearchRequest::default(),
                ),
            ] {
                assert_eq!(refused(&other, &cursor, 1_000_000), ScimType::InvalidCursor);
            }
        }
        assert_eq!(refused(&here, "\0", 1_000_000), ScimType::InvalidCursor);
    }
}
