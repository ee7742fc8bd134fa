//! Names that count: the User ID of users (`P000000`), the identifier by which the older API knows
//! groups (24 hexadecimal digits).
//!
//! Both are made from the place that a store gives a resource in the order of creation
//! ([`Record::position`]). It is given in the transaction that creates the resource and never
//! given again, so that the names are unique and stay, whoever created the resource and however
//! many are created at a time; nothing has to be kept, counted or guarded for them.

use civitas_directory::{
    Directory, Error, Found, Record, Scope,
    store::{Page, Place, Position, Selection, Want},
};

/// Digits of a User ID, as long as they suffice.
const DIGITS: usize = 6;

/// The first number of a store.
const FIRST: i64 = 1;

/// The User ID of a user.
pub(super) fn user_id(user: &Record) -> String {
    format!("P{:0DIGITS$}", user.position.0 - FIRST)
}

/// The identifier of a group in the older API: when and as which it was created.
pub(super) fn group_id(group: &Record) -> String {
    let second = group.created.0.div_euclid(1_000) & 0xffff_ffff;
    format!("{second:08x}{:016x}", group.position.0)
}

/// The position that a User ID names.
pub(super) fn position_of_user(user_id: &str) -> Option<Position> {
    let digits = user_id.strip_prefix(['P', 'p'])?;
    let is_number = digits.len() >= DIGITS && digits.bytes().all(|it| it.is_ascii_digit());
    let number: i64 = digits.parse().ok().filter(|_| is_number)?;
    Some(Position(number.checked_add(FIRST)?))
}

fn position_of_group(id: &str) -> Option<Position> {
    let is_hex = id.len() == 24 && id.bytes().all(|it| it.is_ascii_hexdigit());
    let number = i64::from_str_radix(id.get(8..).filter(|_| is_hex)?, 16);
    number.ok().map(Position)
}

/// The user with a User ID.
pub(super) async fn user(
    directory: &Directory,
    scope: &Scope,
    user_id: &str,
    want: Want,
) -> Result<Option<Found>, Error> {
    let Some(position) = position_of_user(user_id) else {
        return Ok(None);
    };
    at(directory, scope, "User", position, want).await
}

/// The group with an identifier of the older API.
pub(super) async fn group(
    directory: &Directory,
    scope: &Scope,
    id: &str,
    want: Want,
) -> Result<Option<Found>, Error> {
    let Some(position) = position_of_group(id) else {
        return Ok(None);
    };
    let found = at(directory, scope, "Group", position, want).await?;
    Ok(found.filter(|it| group_id(&it.record).eq_ignore_ascii_case(id)))
}

/// The resource at a position: the first after the one before it, if that is it.
async fn at(
    directory: &Directory,
    scope: &Scope,
    resource_type: &str,
    position: Position,
    want: Want,
) -> Result<Option<Found>, Error> {
    let selection = Selection {
        resource_type: resource_type.to_owned(),
        condition: None,
        sort: None,
    };
    let page = Page::After {
        place: Some(Place {
            resource_type: resource_type.to_owned(),
            position: Position(position.0 - 1),
            key: None,
        }),
        count: 1,
    };
    let found = directory.select(scope, selection, page, want).await?;
    let mut items = found.items.into_iter();
    Ok(items.next().filter(|it| it.record.position == position))
}

#[cfg(test)]
mod tests {
    use civitas_directory::{Timestamp, Version};

    use super::*;

    fn record(position: i64) -> Record {
        Record {
            resource_type: "User".into(),
            id: "7".into(),
            position: Position(position),
            version: Version(1),
            created: Timestamp(1_761_218_754_123),
            modified: Timestamp(1_761_218_754_123),
            document: "{}".into(),
        }
    }

    #[test]
    fn names_lead_back_to_positions() {
        for (position, user, group) in [
            (1, "P000000", "68fa10c20000000000000001"),
            (43, "P000042", "68fa10c2000000000000002b"),
            (1_000_001, "P1000000", "68fa10c200000000000f4241"),
        ] {
            let record = record(position);
            assert_eq!(user_id(&record), user);
            assert_eq!(group_id(&record), group);
            assert_eq!(position_of_user(user), Some(Position(position)));
            assert_eq!(position_of_group(group), Some(Position(position)));
        }
        for other in ["", "P", "P12345", "000001", "P00000x", "7"] {
            assert_eq!(position_of_user(other), None, "{other}");
            assert_eq!(position_of_group(other), None, "{other}");
        }
    }
}
