//! What is at a path of the dialect.

use std::borrow::Cow;

use http::Method;

use crate::{form::decode, router::Methods};

use super::{
    changer::Changer,
    endpoint::{Endpoint, Manner},
    factor::Factor,
    job::{JobType, Jobs},
    policy,
};

/// What paths of resources begin with.
pub(super) const BASE: &str = "/admin/v1";

/// The first segments of paths.
const RESOURCES: &str = "admin";
const JOBS: &str = "job";
const FILES: &str = "storage";

/// What is at a path. Whether it is there, the request hears when its turn comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place<'r> {
    /// `/admin/v1/{type}`
    Collection(Endpoint),
    /// `/admin/v1/{type}/.search`
    Search(Endpoint),
    /// `/admin/v1/{type}/{id}`
    Resource(Endpoint, Cow<'r, str>),
    /// `/admin/v1/Me`
    Me,
    /// `/admin/v1/Schemas`
    Schemas,
    /// `/admin/v1/Schemas/{urn}`
    Schema(Cow<'r, str>),
    /// `/admin/v1/ResourceTypes`
    ResourceTypes,
    /// `/admin/v1/ResourceTypes/{name}`
    ResourceType(Cow<'r, str>),
    /// `/admin/v1/ServiceProviderConfig`
    ProviderConfig,
    /// `/admin/v1/ResourceTypeSchemaAttributes`
    SchemaAttributes,
    /// `/admin/v1/ResourceTypeSchemaAttributes/.search`
    SchemaAttributesSearch,
    /// `/admin/v1/AllowedValues`
    AllowedValues,
    /// `/admin/v1/AllowedValues/.search`
    AllowedValuesSearch,
    /// `/admin/v1/{changer}/{id}`, and `/admin/v1/MePasswordChanger`
    Changer(Changer, Option<Cow<'r, str>>),
    /// `/admin/v1/PasswordPolicies`
    Policies,
    /// `/admin/v1/PasswordPolicies/.search`
    PoliciesSearch,
    /// `/admin/v1/PasswordPolicies/{id}`
    Policy(Cow<'r, str>),
    /// Operations on the devices of a user, the caller where the flag says so.
    Factor(Factor, bool),
    /// What the product has and nobody may use.
    Barred,
    /// `/admin/v1/Bulk`
    Bulk,
    /// `/job/v1/JobHistories/{id}`
    Job(Cow<'r, str>),
    /// `/job/v1/JobSchedules/{id}`
    Schedule(Cow<'r, str>),
    /// Lists below `/job/v1`.
    Jobs(Jobs),
    /// `/storage/v1/Files`
    Files,
    /// A resource of the product that is not built.
    Unbuilt,
    /// Nothing.
    Nowhere,
}

/// Every place, with names for the variable parts.
const EVERY: [Place<'static>; 46] = [
    Place::Collection(Endpoint::EACH[0].1),
    Place::Search(Endpoint::EACH[0].1),
    Place::Resource(Endpoint::EACH[0].1, Cow::Borrowed("{id}")),
    Place::Collection(Endpoint::EACH[1].1),
    Place::Search(Endpoint::EACH[1].1),
    Place::Resource(Endpoint::EACH[1].1, Cow::Borrowed("{id}")),
    Place::Collection(Endpoint::EACH[2].1),
    Place::Resource(Endpoint::EACH[2].1, Cow::Borrowed("{id}")),
    Place::Me,
    Place::Schemas,
    Place::Schema(Cow::Borrowed("{urn}")),
    Place::ResourceTypes,
    Place::ResourceType(Cow::Borrowed("{name}")),
    Place::ProviderConfig,
    Place::SchemaAttributes,
    Place::SchemaAttributesSearch,
    Place::AllowedValues,
    Place::AllowedValuesSearch,
    Place::Changer(Changer::Password, Some(Cow::Borrowed("{id}"))),
    Place::Changer(Changer::Status, Some(Cow::Borrowed("{id}"))),
    Place::Changer(Changer::Capabilities, Some(Cow::Borrowed("{id}"))),
    Place::Changer(Changer::Reset, Some(Cow::Borrowed("{id}"))),
    Place::Changer(Changer::Lock, None),
    Place::Changer(Changer::MyPassword, None),
    Place::Changer(Changer::NewPassword, None),
    Place::Policies,
    Place::PoliciesSearch,
    Place::Policy(Cow::Borrowed("{id}")),
    Place::Factor(Factor::Enroller, false),
    Place::Factor(Factor::Enroller, true),
    Place::Factor(Factor::Validator, false),
    Place::Factor(Factor::Validator, true),
    Place::Factor(Factor::Remover, false),
    Place::Factor(Factor::Remover, true),
    Place::Barred,
    Place::Bulk,
    Place::Job(Cow::Borrowed("{id}")),
    Place::Schedule(Cow::Borrowed("{id}")),
    Place::Jobs(Jobs::Histories),
    Place::Jobs(Jobs::Schedules),
    Place::Jobs(Jobs::Reports),
    Place::Jobs(Jobs::Rows(JobType::UserImport)),
    Place::Jobs(Jobs::Rows(JobType::GroupImport)),
    Place::Files,
    Place::Unbuilt,
    Place::Nowhere,
];

/// What the product has below `/admin/v1` and this server does not: asked for, it answers 501.
pub(crate) const UNBUILT: &[&str] = &[
    ".search",
    "AccountMgmtInfos",
    "AccountRecoverySettings",
    "AppClientSecretRegenerator",
    "AppRoles",
    "AppStatusChanger",
    "AppTemplates",
    "ApplicablePasswordPolicyRetriever",
    "ApprovalWorkflowAssignments",
    "ApprovalWorkflowSteps",
    "ApprovalWorkflows",
    "Apps",
    "Asserter",
    "AuditEvents",
    "AuthenticationFactorInitiator",
    "AuthenticationFactorSettings",
    "BrandingSettings",
    "BulkUserPasswordChanger",
    "BulkUserPasswordResetter",
    "BypassCodes",
    "CloudGateMappings",
    "CloudGateServers",
    "CloudGates",
    "ConditionGroups",
    "ConditionTemplates",
    "Conditions",
    "Devices",
    "DynamicResourceGroups",
    "Grants",
    "HTTPAuthenticator",
    "IdentityPropagationTrusts",
    "IdentityProofingProviderTemplates",
    "IdentityProofingProviders",
    "IdentityProviders",
    "IdentitySettings",
    "KmsiSettings",
    "MappedAttributes",
    "MeEmailVerified",
    "MeEmailVerifier",
    "MePasswordMustChanger",
    "MePasswordRecoveryFactorValidator",
    "MePasswordRecoveryOptionRetriever",
    "MePasswordResetRequestor",
    "MeSecurityQuestionAnswerValidator",
    "MeSecurityQuestionsRetriever",
    "MyAccesses",
    "MyApps",
    "MyAuthenticationFactorInitiator",
    "MyBypassCodes",
    "MyCompletedApprovals",
    "MyDevices",
    "MyGroups",
    "MyPendingApprovals",
    "MyRequestableGroups",
    "MyRequests",
    "MySupportAccounts",
    "MyTrustedUserAgents",
    "MyUserDbCredentials",
    "NetworkPerimeters",
    "NotificationSettings",
    "OAuthClientCertificates",
    "OAuthConfig",
    "OAuthPartnerCertificates",
    "OciConsoleSignOnPolicyConsents",
    "PasswordAuthenticator",
    "Policies",
    "PolicyTemplates",
    "PolicyTypes",
    "RestoreOciConsolePolicy",
    "RuleTemplates",
    "Rules",
    "Schemas/.search",
    "SecurityQuestionSettings",
    "SecurityQuestions",
    "SelfRegistrationProfiles",
    "Settings",
    "SigningCert",
    "SocialIdentityProviders",
    "TermsOfUseStatements",
    "TermsOfUses",
    "UserActivationInitiator",
    "UserAttributesSettings",
    "UserDbCredentials",
    "UserNameGenerator",
    "UserPasswordGenerator",
    "UserPasswordValidator",
    "UserStateChanger",
    "UserTokenValidator",
    "UserTokens",
    "VerificationClaims",
];

/// The product's methods of a collection and its resources together, as OPTIONS tells them.
const WHOLE_TYPE: &str = "PATCH,GET,PUT,POST,DELETE,OPTIONS";
const UNREPLACED_TYPE: &str = "PATCH,GET,POST,DELETE,OPTIONS";

/// Whether paths that begin with the segment are the dialect's.
pub(crate) fn owns(first: &str) -> bool {
    [RESOURCES, JOBS, FILES].contains(&first)
}

impl<'r> Place<'r> {
    /// The place at a path; `None` for a path that is not the dialect's.
    pub(crate) fn at(path: &'r str) -> Option<Self> {
        let mut segments = path.strip_prefix('/')?.split('/');
        let first = segments.next().filter(|first| owns(first))?;
        if segments.next() != Some("v1") {
            return Some(Self::Nowhere);
        }
        let rest: Vec<&str> = segments.take(4).collect();
        let named = |text: &'r str| decode(text, false).filter(|it| !it.is_empty());
        if first == JOBS {
            return Some(match *rest.as_slice() {
                ["JobHistories", id] => named(id).map_or(Self::Nowhere, Self::Job),
                ["JobSchedules", id] => named(id).map_or(Self::Nowhere, Self::Schedule),
                [name] => Jobs::at(name).map_or(Self::Nowhere, Self::Jobs),
                _ => Self::Nowhere,
            });
        }
        if first == FILES {
            return Some(match *rest.as_slice() {
                ["Files"] => Self::Files,
                _ => Self::Nowhere,
            });
        }
        let collection = rest.first().and_then(|it| Endpoint::named(it));
        let place = match *rest.as_slice() {
            ["Me"] => Some(Self::Me),
            ["Schemas"] => Some(Self::Schemas),
            ["Schemas", ".search"] => Some(Self::Unbuilt),
            ["Schemas", urn] => named(urn).map(Self::Schema),
            ["ResourceTypes"] => Some(Self::ResourceTypes),
            ["ResourceTypes", name] => named(name).map(Self::ResourceType),
            ["ServiceProviderConfig" | "ServiceProviderConfigs"] => Some(Self::ProviderConfig),
            ["Bulk"] => Some(Self::Bulk),
            ["ResourceTypeSchemaAttributes"] => Some(Self::SchemaAttributes),
            ["ResourceTypeSchemaAttributes", ".search"] => Some(Self::SchemaAttributesSearch),
            ["AllowedValues"] => Some(Self::AllowedValues),
            ["AllowedValues", ".search"] => Some(Self::AllowedValuesSearch),
            [_] if collection.is_some() => collection.map(Self::Collection),
            [_, ".search"] if collection.is_some_and(Endpoint::is_searched) => {
                collection.map(Self::Search)
            }
            [_, id] if collection.is_some() => {
                let resource = collection.zip(named(id));
                resource.map(|(of, id)| Self::Resource(of, id))
            }
            [name] if Changer::named(name).is_some_and(|it| !it.takes_id()) => {
                Changer::named(name).map(|it| Self::Changer(it, None))
            }
            [name, id] if Changer::named(name).is_some_and(Changer::takes_id) => {
                let changer = Changer::named(name);
                changer
                    .zip(named(id))
                    .map(|(it, id)| Self::Changer(it, Some(id)))
            }
            ["PasswordPolicies"] => Some(Self::Policies),
            ["PasswordPolicies", ".search"] => Some(Self::PoliciesSearch),
            ["PasswordPolicies", id] => named(id).map(Self::Policy),
            ["EncryptionKeys"] => Some(Self::Barred),
            [name] if Factor::named(name).is_some() => {
                Factor::named(name).map(|(it, own)| Self::Factor(it, own))
            }
            [first, ..] if UNBUILT.contains(&first) => Some(Self::Unbuilt),
            _ => None,
        };
        Some(place.unwrap_or(Self::Nowhere))
    }

    /// The path with its variable parts named.
    pub(crate) const fn template(&self) -> &'static str {
        match self {
            Self::Collection(of) => match of.manner() {
                Manner::Whole => "/admin/v1/{type}",
                Manner::Unreplaced => "/admin/v1/{credential}",
                Manner::Own => "/admin/v1/My{credential}",
            },
            Self::Search(of) => match of.manner() {
                Manner::Whole | Manner::Own => "/admin/v1/{type}/.search",
                Manner::Unreplaced => "/admin/v1/{credential}/.search",
            },
            Self::Resource(of, _) => match of.manner() {
                Manner::Whole => "/admin/v1/{type}/{id}",
                Manner::Unreplaced => "/admin/v1/{credential}/{id}",
                Manner::Own => "/admin/v1/My{credential}/{id}",
            },
            Self::Me => "/admin/v1/Me",
            Self::Schemas => "/admin/v1/Schemas",
            Self::Schema(_) => "/admin/v1/Schemas/{urn}",
            Self::ResourceTypes => "/admin/v1/ResourceTypes",
            Self::ResourceType(_) => "/admin/v1/ResourceTypes/{name}",
            Self::ProviderConfig => "/admin/v1/ServiceProviderConfig",
            Self::SchemaAttributes => "/admin/v1/ResourceTypeSchemaAttributes",
            Self::SchemaAttributesSearch => "/admin/v1/ResourceTypeSchemaAttributes/.search",
            Self::AllowedValues => "/admin/v1/AllowedValues",
            Self::AllowedValuesSearch => "/admin/v1/AllowedValues/.search",
            Self::Changer(changer, _) => match changer {
                Changer::Password => "/admin/v1/UserPasswordChanger/{id}",
                Changer::Status => "/admin/v1/UserStatusChanger/{id}",
                Changer::Capabilities => "/admin/v1/UserCapabilitiesChanger/{id}",
                Changer::Reset => "/admin/v1/UserPasswordResetter/{id}",
                Changer::Lock => "/admin/v1/UserLockedStateChanger",
                Changer::MyPassword => "/admin/v1/MePasswordChanger",
                Changer::NewPassword => "/admin/v1/MePasswordResetter",
            },
            Self::Policies => "/admin/v1/PasswordPolicies",
            Self::PoliciesSearch => "/admin/v1/PasswordPolicies/.search",
            Self::Policy(_) => "/admin/v1/PasswordPolicies/{id}",
            Self::Factor(factor, own) => match (factor, own) {
                (Factor::Enroller, false) => "/admin/v1/AuthenticationFactorEnroller",
                (Factor::Enroller, true) => "/admin/v1/MyAuthenticationFactorEnroller",
                (Factor::Validator, false) => "/admin/v1/AuthenticationFactorValidator",
                (Factor::Validator, true) => "/admin/v1/MyAuthenticationFactorValidator",
                (Factor::Remover, false) => "/admin/v1/AuthenticationFactorsRemover",
                (Factor::Remover, true) => "/admin/v1/MyAuthenticationFactorsRemover",
            },
            Self::Barred => "/admin/v1/EncryptionKeys",
            Self::Bulk => "/admin/v1/Bulk",
            Self::Job(_) => "/job/v1/JobHistories/{id}",
            Self::Schedule(_) => "/job/v1/JobSchedules/{id}",
            Self::Jobs(jobs) => jobs.template(),
            Self::Files => "/storage/v1/Files",
            Self::Unbuilt => "/admin/v1/{unbuilt}",
            Self::Nowhere => "/admin/{path}",
        }
    }

    /// The methods that reach what is there.
    pub(crate) const fn methods(&self) -> Methods {
        Methods::of(match self {
            Self::Collection(_) | Self::Policies | Self::Jobs(Jobs::Schedules) => {
                "GET, POST, OPTIONS"
            }
            Self::Resource(of, _) => match of.manner() {
                Manner::Whole => "GET, PUT, PATCH, DELETE, OPTIONS",
                Manner::Unreplaced | Manner::Own => "GET, PATCH, DELETE, OPTIONS",
            },
            Self::Me => "GET, POST, PUT, PATCH, OPTIONS",
            Self::Search(_)
            | Self::SchemaAttributesSearch
            | Self::AllowedValuesSearch
            | Self::PoliciesSearch
            | Self::Factor(..)
            | Self::Bulk => "POST, OPTIONS",
            Self::Policy(_) => "GET, PUT, PATCH, DELETE, OPTIONS",
            Self::Changer(changer, _) if changer.is_posted() => "POST, OPTIONS",
            Self::Changer(..) => "PUT, OPTIONS",
            Self::Job(_) | Self::Schedule(_) => "GET, DELETE, OPTIONS",
            Self::Files => "GET, POST, DELETE, OPTIONS",
            Self::Schema(_) => "GET, PUT, PATCH, OPTIONS",
            Self::Jobs(_)
            | Self::SchemaAttributes
            | Self::AllowedValues
            | Self::Schemas
            | Self::ResourceTypes
            | Self::ResourceType(_)
            | Self::ProviderConfig => "GET, OPTIONS",
            Self::Unbuilt => "GET, POST, PUT, PATCH, DELETE",
            Self::Barred | Self::Nowhere => "GET",
        })
    }

    /// What OPTIONS tells of the methods.
    pub(super) const fn options(&self) -> &'static str {
        match self {
            Self::Policies => WHOLE_TYPE,
            Self::Collection(of) => match of.manner() {
                Manner::Whole => WHOLE_TYPE,
                Manner::Unreplaced | Manner::Own => UNREPLACED_TYPE,
            },
            _ => self.methods().allow(),
        }
    }

    /// What is asked for, in the words of a refusal.
    pub(super) fn subject(&self) -> &str {
        match self {
            Self::Collection(of) | Self::Search(of) | Self::Resource(of, _) => of.kind.name(),
            Self::Changer(..) | Self::Factor(..) => "User",
            Self::Policies | Self::PoliciesSearch | Self::Policy(_) => policy::TYPE,
            Self::Job(_) | Self::Jobs(Jobs::Histories) => "JobHistory",
            Self::Schedule(_) | Self::Jobs(Jobs::Schedules) => "JobSchedule",
            Self::Jobs(_) => "JobReport",
            Self::Files => "File",
            Self::Schema(_) => "Schema",
            _ => "this resource",
        }
    }

    /// Whether a request with the method may change something there.
    pub(crate) fn writes(&self, method: &Method) -> bool {
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        !reads
            && matches!(
                self,
                Self::Collection(_)
                    | Self::Resource(..)
                    | Self::Me
                    | Self::Schema(_)
                    | Self::Changer(..)
                    | Self::Policies
                    | Self::Policy(_)
                    | Self::Factor(..)
                    | Self::Bulk
                    | Self::Job(_)
                    | Self::Schedule(_)
                    | Self::Jobs(_)
                    | Self::Files
            )
    }

    /// Largest body, in bytes.
    pub(super) const fn max_body(&self) -> usize {
        match self {
            Self::Files => super::file::MAX_BODY,
            _ => super::MAX_PAYLOAD,
        }
    }

    /// Every template with its methods.
    pub(crate) fn templates() -> impl Iterator<Item = (&'static str, Methods)> {
        EVERY.iter().map(|it| (it.template(), it.methods()))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::kind::Kind, *};

    #[test]
    fn paths_lead_to_places() {
        let (users, groups) = (Endpoint::of(Kind::User), Endpoint::of(Kind::Group));
        let own = Endpoint {
            kind: Kind::ApiKey,
            own: true,
        };
        for (path, place) in [
            ("/admin/v1/Users", Some(Place::Collection(users))),
            ("/admin/v1/Groups/.search", Some(Place::Search(groups))),
            (
                "/admin/v1/Users/a%20b",
                Some(Place::Resource(users, "a b".into())),
            ),
            ("/admin/v1/MyApiKeys", Some(Place::Collection(own))),
            (
                "/admin/v1/MyApiKeys/.search",
                Some(Place::Resource(own, ".search".into())),
            ),
            ("/admin/v1/MyUsers", Some(Place::Nowhere)),
            (
                "/admin/v1/Schemas/urn%3Ax",
                Some(Place::Schema("urn:x".into())),
            ),
            ("/admin/v1/CloudGates", Some(Place::Unbuilt)),
            ("/admin/v1/SigningCert/jwk", Some(Place::Unbuilt)),
            ("/admin/v1/.search", Some(Place::Unbuilt)),
            ("/admin/v1/Bulk", Some(Place::Bulk)),
            ("/job/v1/JobHistories/7", Some(Place::Job("7".into()))),
            (
                "/admin/v1/UserStatusChanger/7",
                Some(Place::Changer(Changer::Status, Some("7".into()))),
            ),
            ("/admin/v1/UserStatusChanger", Some(Place::Nowhere)),
            (
                "/admin/v1/MePasswordChanger",
                Some(Place::Changer(Changer::MyPassword, None)),
            ),
            ("/job/v1/JobReports", Some(Place::Jobs(Jobs::Reports))),
            (
                "/job/v1/UserImportJobReports",
                Some(Place::Jobs(Jobs::Rows(JobType::UserImport))),
            ),
            ("/job/v1/UserExportJobReports", Some(Place::Nowhere)),
            ("/storage/v1/Files", Some(Place::Files)),
            ("/storage/v1/Files/x", Some(Place::Nowhere)),
            ("/job/v1", Some(Place::Nowhere)),
            ("/admin/v1/JobHistories/7", Some(Place::Nowhere)),
            ("/admin/v1/Userz", Some(Place::Nowhere)),
            ("/admin/v1/users", Some(Place::Nowhere)),
            ("/admin/v1/Users/a/b", Some(Place::Nowhere)),
            ("/admin/v2/Users", Some(Place::Nowhere)),
            ("/admin", Some(Place::Nowhere)),
            ("/scim/v2", None),
        ] {
            assert_eq!(Place::at(path), place, "{path}");
        }
    }
}
