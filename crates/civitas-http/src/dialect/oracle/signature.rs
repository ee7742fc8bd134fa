//! Requests that whoever calls signs, in place of a token (OCI request signatures, version 1).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use civitas_directory::{
    Caller, Error, Tenant, Timestamp,
    client::SecretScopes,
    public_key::PublicKey,
    store::{Page, Selection, Want},
};
use civitas_scim::{filter, tolerance::Tolerance};
use http::{HeaderMap, Method, header, request::Parts};
use sha2::{Digest as _, Sha256};

use super::{credential, id, kind::Kind, schema::credential::ONCE, show};
use crate::{
    door::Arrival,
    refusal::{Refusal, Unauthenticated},
};

const SCHEME: &str = "signature ";

/// How far the date of a request may be from the clock, in milliseconds.
const MAX_SKEW: u64 = 5 * 60 * 1_000;

/// What stands for the first line of a request.
const TARGET: &str = "(request-target)";

/// Whether the request is signed.
pub(super) fn is_signed(headers: &HeaderMap) -> bool {
    let field = headers.get(header::AUTHORIZATION);
    let begins = |it: &[u8]| it.get(..SCHEME.len()).map(<[u8]>::to_ascii_lowercase);
    field.and_then(|it| begins(it.as_bytes())).as_deref() == Some(SCHEME.as_bytes())
}

/// Who has signed the request, and its body, which is signed, too. Of somebody unknown the body
/// is not read.
pub(super) async fn caller(
    arrival: &mut Arrival<'_>,
    tenant: &Tenant,
    has_body: bool,
) -> Result<(Caller, Bytes), Refusal> {
    let (parts, now) = (arrival.parts, arrival.now(tenant));
    let refuse = || Refusal::from(Unauthenticated::InvalidToken);
    let signature = Signature::of(&parts.headers).ok_or_else(refuse)?;
    if signature.tenancy != show::tenancy(tenant) {
        return Err(refuse());
    }
    let signer = id::kept(signature.user);
    let directory = &arrival.app.directory;
    let known = directory.signer(tenant, &signer, signature.fingerprint);
    let (caller, key) = if let Some((client, key)) = known.await? {
        (Caller::client(&client, SecretScopes::NONE), key)
    } else {
        let key = key_of(arrival, tenant, &signer, signature.fingerprint).await?;
        (of_user(signer.into_owned()), key.ok_or_else(refuse)?)
    };
    let body = if has_body {
        arrival.body.read().await?
    } else {
        Bytes::new()
    };
    let text = signature.text(parts, &body, now).ok_or_else(refuse)?;
    if !key.has_signed(text.as_bytes(), signature.value) {
        return Err(refuse());
    }
    Ok((caller, body))
}

/// A user has no role by itself, and does what every user does of its own.
fn of_user(id: String) -> Caller {
    Caller {
        client_id: id.clone(),
        user: Some(id),
        ..Caller::nobody()
    }
}

/// The key of a user with that fingerprint, if the user may prove itself by it.
async fn key_of(
    arrival: &Arrival<'_>,
    tenant: &Tenant,
    user: &str,
    fingerprint: &str,
) -> Result<Option<PublicKey>, Refusal> {
    let scope = arrival.scope(tenant, &Caller::nobody());
    let Some(kept) = scope.catalogue.resource_type(Kind::ApiKey.name()) else {
        return Ok(None);
    };
    let key = credential::signer(user, fingerprint);
    let filter = format!("{ONCE} eq {}", serde_json::Value::from(key));
    let selection = Selection {
        resource_type: kept.name.clone(),
        condition: filter::Filter::parse(&filter, &filter::Limits::default())
            .and_then(|it| it.resolve(kept, &[], &Tolerance::strict()))
            .map(Some)
            .map_err(Error::from)?,
        sort: None,
    };
    let page = Page::Index {
        offset: 0,
        count: 1,
    };
    let directory = &arrival.app.directory;
    let found = directory.select(&scope, selection, page, Want::default());
    let Some(found) = found.await?.items.into_iter().next() else {
        return Ok(None);
    };
    let users = scope.catalogue.resource_type(Kind::User.name());
    let users = users.ok_or(Error::Outdated)?;
    match directory.get(&scope, users, user, Want::default()).await {
        Ok(user) if credential::may_sign(&user) => {
            let kept = found.record.attributes();
            let key = kept.get("key").and_then(serde_json::Value::as_str);
            Ok(key.and_then(PublicKey::from_pem))
        }
        Ok(_) | Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What a request shows of its signature.
#[derive(Debug, PartialEq, Eq)]
struct Signature<'h> {
    tenancy: &'h str,
    user: &'h str,
    fingerprint: &'h str,
    /// The names of what is signed, in lower case.
    names: Vec<String>,
    /// In base64.
    value: &'h str,
}

impl<'h> Signature<'h> {
    /// The signature of a request, unless it is of another form.
    fn of(headers: &'h HeaderMap) -> Option<Self> {
        let mut fields = headers.get_all(header::AUTHORIZATION).iter();
        let field = fields.next().filter(|_| fields.next().is_none())?;
        let mut rest = field.to_str().ok()?.get(SCHEME.len()..)?;
        let (mut version, mut algorithm, mut key, mut names, mut value) =
            (None, None, None, None, None);
        loop {
            let (name, after) = rest.split_once("=\"")?;
            let (text, after) = after.split_once('"')?;
            let name = name.trim_matches([' ', ',']);
            let place = match name {
                "version" => &mut version,
                "algorithm" => &mut algorithm,
                "keyId" => &mut key,
                "headers" => &mut names,
                "signature" => &mut value,
                _ => return None,
            };
            if place.replace(text).is_some() {
                return None;
            }
            rest = after.trim_start();
            if rest.is_empty() {
                break;
            }
            rest = rest.strip_prefix(',')?;
        }
        if (version, algorithm) != (Some("1"), Some("rsa-sha256")) {
            return None;
        }
        let mut parts = key?.split('/');
        let names = names?.split(' ').filter(|it| !it.is_empty());
        let signature = Self {
            tenancy: parts.next()?,
            user: parts.next()?,
            fingerprint: parts.next()?,
            names: names.map(str::to_ascii_lowercase).collect(),
            value: value?,
        };
        parts.next().is_none().then_some(signature)
    }

    fn names(&self, name: &str) -> bool {
        self.names.iter().any(|it| it == name)
    }

    /// The text that was signed, if enough of the request is in it, its date is of these minutes,
    /// and its body is the one that was signed.
    fn text(&self, parts: &Parts, body: &[u8], now: Timestamp) -> Option<String> {
        let date = if self.names("x-date") {
            "x-date"
        } else {
            "date"
        };
        let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&parts.method);
        let of_body = ["x-content-sha256", "content-type", "content-length"];
        let needed = [TARGET, "host", date].into_iter();
        let mut needed = needed.chain(of_body.into_iter().filter(|_| has_body));
        if !needed.all(|it| self.names(it)) {
            return None;
        }
        let field = |name: &str| parts.headers.get(name)?.to_str().ok();
        let signed_at = httpdate::parse_http_date(field(date)?).ok()?;
        let signed_at = signed_at.duration_since(std::time::UNIX_EPOCH).ok()?;
        let signed_at = i64::try_from(signed_at.as_millis()).ok()?;
        if now.0.abs_diff(signed_at) > MAX_SKEW {
            return None;
        }
        let digest = STANDARD.encode(Sha256::digest(body));
        if has_body && field("x-content-sha256")? != digest {
            return None;
        }
        let lines = self.names.iter().map(|name| {
            let value = match name.as_str() {
                TARGET => {
                    let target = parts.uri.path_and_query().map_or("/", |it| it.as_str());
                    format!("{} {target}", parts.method.as_str().to_ascii_lowercase())
                }
                // HTTP/2 has it in the URI.
                "host" => match field("host") {
                    Some(host) => host.to_owned(),
                    None => parts.uri.authority()?.as_str().to_owned(),
                },
                name => field(name)?.to_owned(),
            };
            Some(format!("{name}: {value}"))
        });
        let lines: Option<Vec<String>> = lines.collect();
        Some(lines?.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const NOW: Timestamp = Timestamp(1_772_600_767_000);
    const DATE: &str = "Wed, 04 Mar 2026 05:06:07 GMT";

    fn parts(method: &str, uri: &str, fields: &[(&'static str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn authorization(headers: &str) -> String {
        format!(
            "Signature algorithm=\"rsa-sha256\",headers=\"{headers}\",keyId=\"t/u/f\",\
             signature=\"eA==\",version=\"1\""
        )
    }

    #[test]
    fn what_is_signed_is_told_as_it_came() {
        let text = authorization("date (request-target) host");
        let get = parts(
            "GET",
            "/admin/v1/Users?filter=userName+eq+%22mara%22",
            &[
                ("host", "127.0.0.1:8080"),
                ("date", DATE),
                ("authorization", &text),
            ],
        );
        assert!(is_signed(&get.headers));
        let signature = Signature::of(&get.headers).unwrap();
        assert_eq!(
            signature.text(&get, b"", NOW).unwrap(),
            "date: Wed, 04 Mar 2026 05:06:07 GMT\n\
             (request-target): get /admin/v1/Users?filter=userName+eq+%22mara%22\n\
             host: 127.0.0.1:8080"
        );
        for late in [300_001, -300_001] {
            let now = Timestamp(NOW.0 + late);
            assert_eq!(signature.text(&get, b"", now), None, "{late}");
        }
        assert!(
            signature
                .text(&get, b"", Timestamp(NOW.0 + 300_000))
                .is_some()
        );
    }

    #[test]
    fn a_body_is_signed() {
        const BODY: &[u8] = br#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Engineering"}"#;
        const HASH: &str = "AYS4ASNKHhB9IoY5HKmCVazBi95sryNtzNU58dIzr5Y=";
        let all = "date (request-target) host content-length content-type x-content-sha256";
        let signed = |headers: &str, hash: &str, body: &[u8]| {
            let text = authorization(headers);
            let post = parts(
                "POST",
                "/admin/v1/Groups",
                &[
                    ("host", "127.0.0.1:8080"),
                    ("date", DATE),
                    ("content-length", "90"),
                    ("content-type", "application/json"),
                    ("x-content-sha256", hash),
                    ("authorization", &text),
                ],
            );
            Signature::of(&post.headers).unwrap().text(&post, body, NOW)
        };
        assert!(signed(all, HASH, BODY).unwrap().ends_with(HASH));
        assert_eq!(signed(all, HASH, b"{}"), None);
        assert_eq!(signed("date (request-target) host", HASH, BODY), None);
        assert_eq!(
            signed(
                "(request-target) host content-length content-type x-content-sha256",
                HASH,
                BODY
            ),
            None
        );
    }

    #[test]
    fn other_forms_are_no_signatures() {
        let good = authorization("date");
        for text in [
            good.replace("rsa-sha256", "hmac-sha256"),
            good.replace("version=\"1\"", "version=\"2\""),
            good.replace("t/u/f", "ST$token"),
            good.replace("t/u/f", "t/u/f/x"),
            good.replace("keyId", "key"),
            good.replace(",version=\"1\"", ""),
            format!("{good},version=\"1\""),
            "Signature ".to_owned(),
            "Signature x".to_owned(),
        ] {
            let get = parts("GET", "/", &[("authorization", &text)]);
            assert_eq!(Signature::of(&get.headers), None, "{text}");
        }
        let spaced = good.replace(',', ", ");
        let get = parts("GET", "/", &[("authorization", &spaced)]);
        assert!(Signature::of(&get.headers).is_some());
    }
}
