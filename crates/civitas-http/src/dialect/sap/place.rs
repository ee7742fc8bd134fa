//! What is at a path of the dialect.

use std::borrow::Cow;

use http::Method;

use super::{api::Api, kind::Kind};
use crate::{form::decode, router::Methods};

/// What is at a path. Whether it is there, the request hears when its turn comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place<'r> {
    /// `/scim/{type}`
    Collection(Kind),
    /// `/scim/{type}/.search`
    Search(Kind),
    /// `/scim/{type}/{id}`
    Resource(Kind, Cow<'r, str>),
    /// `/scim/Users/Me`
    Me,
    /// `/scim/Schemas`
    Schemas,
    /// `/scim/Schemas/{urn}`
    Schema(Cow<'r, str>),
    /// `/scim/ResourceTypes`
    ResourceTypes,
    /// `/scim/ResourceTypes/{name}`
    ResourceType(Cow<'r, str>),
    /// `/scim/ServiceProviderConfig`
    ProviderConfig,
    /// `/scim/Bulk`
    Bulk,
    /// `/service/scim/{type}`
    LegacyCollection(Kind),
    /// `/service/scim/{type}/{id}`
    LegacyResource(Kind, Cow<'r, str>),
    /// `/cps/invite`
    Invite,
    /// `/service/users`
    SpUsers,
    /// `/service/users/{id}`
    SpUser(Cow<'r, str>),
    /// `/service/users/password`
    Password,
    /// `/service/users/forgotPassword`
    ForgotPassword,
    /// `/service/users/otp`
    Otp,
    /// `/service/resource`
    Texts,
    /// `/service/resource/SAP_DEFAULT`
    TextSet,
    /// `/md/{list}`, `/service/md/{list}`
    MasterData(Cow<'r, str>),
    /// `/oauth2/token`
    Token,
    /// Nothing, below the paths of an API.
    Nowhere(Api),
}

/// Every place, with names for the variable parts.
const EVERY: [Place<'static>; 23] = [
    Place::Collection(Kind::User),
    Place::Search(Kind::User),
    Place::Resource(Kind::User, Cow::Borrowed("{id}")),
    Place::Me,
    Place::Schemas,
    Place::Schema(Cow::Borrowed("{urn}")),
    Place::ResourceTypes,
    Place::ResourceType(Cow::Borrowed("{name}")),
    Place::ProviderConfig,
    Place::Bulk,
    Place::LegacyCollection(Kind::User),
    Place::LegacyResource(Kind::User, Cow::Borrowed("{id}")),
    Place::Invite,
    Place::SpUsers,
    Place::SpUser(Cow::Borrowed("{id}")),
    Place::Password,
    Place::ForgotPassword,
    Place::Otp,
    Place::Texts,
    Place::TextSet,
    Place::MasterData(Cow::Borrowed("{list}")),
    Place::Token,
    Place::Nowhere(Api::Directory),
];

/// Whether a path is the dialect's, whether or not there is anything at it.
pub(crate) fn owns(path: &str) -> bool {
    Api::of(path).is_some()
}

/// Whether tokens are issued at the path.
pub(crate) fn issues_tokens(path: &str) -> bool {
    Api::of(path) == Some(Api::Token)
}

impl<'r> Place<'r> {
    /// The place at a path without slash at its end; `None` for a path that is not the dialect's.
    pub(crate) fn at(path: &'r str) -> Option<Self> {
        let api = Api::of(path)?;
        let segments: Vec<&str> = path.split('/').skip(1).take(5).collect();
        let named = |text: &'r str| decode(text, false).filter(|it| !it.is_empty());
        let place = match *segments.as_slice() {
            ["scim", ref rest @ ..] => directory(rest),
            ["service", "scim", kind] => Kind::at(kind).map(Self::LegacyCollection),
            ["service", "scim", kind, id] => Kind::at(kind)
                .zip(named(id))
                .map(|(kind, id)| Self::LegacyResource(kind, id)),
            ["cps", "invite"] => Some(Self::Invite),
            ["service", "users"] => Some(Self::SpUsers),
            ["service", "users", "password"] => Some(Self::Password),
            ["service", "users", "forgotPassword"] => Some(Self::ForgotPassword),
            ["service", "users", "otp"] => Some(Self::Otp),
            ["service", "users", id] => named(id).map(Self::SpUser),
            ["service", "resource"] => Some(Self::Texts),
            ["service", "resource", "SAP_DEFAULT"] => Some(Self::TextSet),
            ["md", "states", of] | ["service", "md", "states", of] => {
                named(of).map(|of| Self::MasterData(Cow::Owned(format!("states/{of}"))))
            }
            ["md", list] | ["service", "md", list] => named(list).map(Self::MasterData),
            ["oauth2", "token"] => Some(Self::Token),
            _ => None,
        };
        Some(place.unwrap_or(Self::Nowhere(api)))
    }

    /// The API that the place belongs to.
    pub(crate) const fn api(&self) -> Api {
        match self {
            Self::Collection(_)
            | Self::Search(_)
            | Self::Resource(..)
            | Self::Me
            | Self::Schemas
            | Self::Schema(_)
            | Self::ResourceTypes
            | Self::ResourceType(_)
            | Self::ProviderConfig
            | Self::Bulk => Api::Directory,
            Self::LegacyCollection(_) | Self::LegacyResource(..) => Api::Legacy,
            Self::Invite => Api::Invitation,
            Self::SpUsers | Self::SpUser(_) => Api::Users,
            Self::Password => Api::Password,
            Self::ForgotPassword => Api::ForgotPassword,
            Self::Otp => Api::Otp,
            Self::Texts | Self::TextSet => Api::Texts,
            Self::MasterData(_) => Api::MasterData,
            Self::Token => Api::Token,
            Self::Nowhere(api) => *api,
        }
    }

    /// The path with its variable parts named.
    pub(crate) const fn template(&self) -> &'static str {
        match self {
            Self::Collection(_) => "/scim/{type}",
            Self::Search(_) => "/scim/{type}/.search",
            Self::Resource(..) => "/scim/{type}/{id}",
            Self::Me => "/scim/Users/Me",
            Self::Schemas => "/scim/Schemas",
            Self::Schema(_) => "/scim/Schemas/{urn}",
            Self::ResourceTypes => "/scim/ResourceTypes",
            Self::ResourceType(_) => "/scim/ResourceTypes/{name}",
            Self::ProviderConfig => "/scim/ServiceProviderConfig",
            Self::Bulk => "/scim/Bulk",
            Self::LegacyCollection(_) => "/service/scim/{type}",
            Self::LegacyResource(..) => "/service/scim/{type}/{id}",
            Self::Invite => "/cps/invite",
            Self::SpUsers => "/service/users",
            Self::SpUser(_) => "/service/users/{id}",
            Self::Password => "/service/users/password",
            Self::ForgotPassword => "/service/users/forgotPassword",
            Self::Otp => "/service/users/otp",
            Self::Texts => "/service/resource",
            Self::TextSet => "/service/resource/SAP_DEFAULT",
            Self::MasterData(_) => "/md/{list}",
            Self::Token => "/oauth2/token",
            Self::Nowhere(_) => "/{nowhere}",
        }
    }

    /// The methods that reach what is there.
    pub(crate) const fn methods(&self) -> Methods {
        Methods::of(match self {
            Self::Collection(_) | Self::Schemas | Self::LegacyCollection(_) | Self::SpUsers => {
                "GET, HEAD, POST, OPTIONS"
            }
            Self::Resource(..) => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
            Self::LegacyResource(..) | Self::SpUser(_) => "GET, HEAD, PUT, DELETE, OPTIONS",
            Self::Schema(_) => "GET, HEAD, DELETE, OPTIONS",
            Self::Me
            | Self::ResourceTypes
            | Self::ResourceType(_)
            | Self::ProviderConfig
            | Self::Texts
            | Self::MasterData(_) => "GET, HEAD, OPTIONS",
            Self::Nowhere(_) => "GET",
            Self::Search(_)
            | Self::Bulk
            | Self::Invite
            | Self::Password
            | Self::ForgotPassword
            | Self::Otp
            | Self::TextSet
            | Self::Token => "POST, OPTIONS",
        })
    }

    /// Whether a request with the method may change something there.
    pub(crate) fn writes(&self, method: &Method) -> bool {
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let asks = matches!(self, Self::Search(_) | Self::Token | Self::Nowhere(_));
        !reads && !asks
    }

    /// Every template with its methods.
    pub(crate) fn templates() -> impl Iterator<Item = (&'static str, Methods)> {
        EVERY.iter().map(|it| (it.template(), it.methods()))
    }
}

/// The place below `/scim`.
fn directory<'r>(rest: &[&'r str]) -> Option<Place<'r>> {
    let named = |text: &'r str| decode(text, false).filter(|it| !it.is_empty());
    match *rest {
        ["Users", "Me"] => Some(Place::Me),
        ["Schemas"] => Some(Place::Schemas),
        ["Schemas", urn] => named(urn).map(Place::Schema),
        ["ResourceTypes"] => Some(Place::ResourceTypes),
        ["ResourceTypes", name] => named(name).map(Place::ResourceType),
        ["ServiceProviderConfig"] => Some(Place::ProviderConfig),
        ["Bulk"] => Some(Place::Bulk),
        [kind] => Kind::at(kind).map(Place::Collection),
        [kind, ".search"] => Kind::at(kind).map(Place::Search),
        [kind, id] => Kind::at(kind)
            .zip(named(id))
            .map(|(kind, id)| Place::Resource(kind, id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_places() {
        for (path, place) in [
            ("/scim/Users", Some(Place::Collection(Kind::User))),
            ("/scim/Groups/.search", Some(Place::Search(Kind::Group))),
            (
                "/scim/Users/a%20b",
                Some(Place::Resource(Kind::User, "a b".into())),
            ),
            ("/scim/Users/Me", Some(Place::Me)),
            (
                "/scim/Schemas/urn%3Ax:y",
                Some(Place::Schema("urn:x:y".into())),
            ),
            ("/scim/users", Some(Place::Nowhere(Api::Directory))),
            ("/scim/Users/a/b", Some(Place::Nowhere(Api::Directory))),
            ("/scim", Some(Place::Nowhere(Api::Directory))),
            (
                "/service/scim/Users/P000001",
                Some(Place::LegacyResource(Kind::User, "P000001".into())),
            ),
            ("/service/users/password", Some(Place::Password)),
            ("/service/users/otp", Some(Place::Otp)),
            ("/service/users/7", Some(Place::SpUser("7".into()))),
            ("/service/users/7/8", Some(Place::Nowhere(Api::Users))),
            ("/service/resource/OTHER", Some(Place::Nowhere(Api::Texts))),
            ("/service/other", Some(Place::Nowhere(Api::Users))),
            ("/md/states/us", Some(Place::MasterData("states/us".into()))),
            (
                "/service/md/countries",
                Some(Place::MasterData("countries".into())),
            ),
            ("/cps/invite", Some(Place::Invite)),
            ("/oauth2/token", Some(Place::Token)),
            ("/oauth2/v1/token", None),
            ("/scim/v2/Users", None),
            ("/scim/v1", None),
            ("/admin/v1", None),
        ] {
            assert_eq!(Place::at(path), place, "{path}");
        }
    }
}
