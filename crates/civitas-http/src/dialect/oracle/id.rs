//! Identifiers. The service writes a UUID as 32 hexadecimal digits, and has for each resource a
//! second identifier, its OCID; both are made from the `id` that is kept.

use std::borrow::Cow;

/// Where the hyphens of a UUID stand.
const GROUPS: [usize; 4] = [8, 13, 18, 23];
const UUID: usize = 36;
const DIGITS: usize = 32;

/// The identifier as the service shows it.
pub(super) fn shown(id: &str) -> Cow<'_, str> {
    if is_uuid(id) {
        Cow::Owned(id.replace('-', ""))
    } else {
        Cow::Borrowed(id)
    }
}

/// The identifier as it is kept, of one as the service shows it or of an OCID.
pub(super) fn kept(shown: &str) -> Cow<'_, str> {
    let id = match shown.rsplit_once('.') {
        Some((before, last)) if before.starts_with("ocid1.") => last,
        _ => shown,
    };
    let is_digits = id.len() == DIGITS && id.bytes().all(is_digit);
    if !is_digits {
        return Cow::Borrowed(id);
    }
    let mut uuid = id.to_owned();
    for place in GROUPS {
        uuid.insert(place, '-');
    }
    Cow::Owned(uuid)
}

/// The OCID of a resource of some type.
pub(super) fn ocid(resource_type: &str, id: &str) -> String {
    let resource_type = resource_type.to_ascii_lowercase();
    format!("ocid1.{resource_type}.oc1..{}", shown(id))
}

fn is_uuid(id: &str) -> bool {
    let is_placed = |(place, byte): (usize, u8)| match byte {
        b'-' => GROUPS.contains(&place),
        other => is_digit(other) && !GROUPS.contains(&place),
    };
    id.len() == UUID && id.bytes().enumerate().all(is_placed)
}

const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || (byte >= b'a' && byte <= b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_lead_to_each_other() {
        let (uuid, digits) = (
            "0f2c6a0e-2c57-4b6e-9a2b-6f1d2f0f8f11",
            "0f2c6a0e2c574b6e9a2b6f1d2f0f8f11",
        );
        assert_eq!(shown(uuid), digits);
        assert_eq!(kept(digits), uuid);
        assert_eq!(kept(&ocid("User", uuid)), uuid);
        for other in ["role.auditor", "7", "0F2C6A0E2C574B6E9A2B6F1D2F0F8F11", ""] {
            assert_eq!(shown(other), other);
            assert_eq!(kept(other), other);
        }
    }
}
