//! The issuers whose tokens are believed, as the operator sets them.
//!
//! The setting is a JSON array, or `@path` of a file that holds one:
//!
//! ```json
//! [{
//!   "issuer": "https://login.contoso.example/",
//!   "audience": "guichet",
//!   "organization": "contoso",
//!   "keys": { "jwksUrl": "https://login.contoso.example/keys" },
//!   "algorithms": ["RS256", "ES256", "EdDSA"],
//!   "roles": {
//!     "claim": "roles",
//!     "map": { "guichet-admins": "GLOBAL_ADMINISTRATOR" },
//!     "allowed": ["GLOBAL_ADMINISTRATOR"]
//!   },
//!   "claims": { "tenant": "tid", "email": "email", "emailVerified": "email_verified", "name": "name" },
//!   "leewaySeconds": 30,
//!   "signIn": {
//!     "id": "contoso",
//!     "name": "Contoso",
//!     "authorizationUrl": "https://login.contoso.example/authorize",
//!     "tokenUrl": "https://login.contoso.example/token",
//!     "clientId": "guichet-page",
//!     "clientSecret": "…",
//!     "scope": "openid email",
//!     "resource": "urn:guichet",
//!     "parameters": { "prompt": "select_account" }
//!   }
//! }]
//! ```
//!
//! Required are `issuer`, `audience` and `keys`. An issuer without an `organization`
//! speaks for none: whom it vouches for is an outsider everywhere, and it asserts no
//! `roles`. `audience` may be an array, of which a
//! token has to name one. `keys` is one of `jwksUrl`, `jwksFile` and, in the
//! demo and in tests only, `hs256Secret`. With `signIn` people can sign in at the issuer on our pages; `clientSecret`,
//! `scope`, `resource` and `parameters` may be left out there.

mod fields;
mod roles;
mod sign_in;

pub use roles::{RoleClaim, RoleRules};
pub use sign_in::SignIn;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, AlgorithmFamily};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::{Host, Url};

use self::fields::Fields;
use super::own::OwnIssuer;

/// The shortest HS256 secret, in bytes: as long as the hash (RFC 7518 §3.2).
pub const SHORTEST_SECRET: usize = 32;

/// The largest leeway that can be set, in seconds.
const LARGEST_LEEWAY: u16 = 300;

/// The leeway where none is set, in seconds.
const DEFAULT_LEEWAY: u16 = 30;

/// The algorithms where none are set.
const DEFAULT_ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// The issuers that are trusted: at least one, each with another name.
#[derive(Clone, Debug)]
pub struct Issuers(Vec<Issuer>);

/// One trusted issuer.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// The `iss` of its tokens, compared byte by byte.
    pub name: String,
    /// The values of `aud` that mean us; a token has to name one of them.
    pub audiences: Vec<String>,
    /// The slug of the organization that it speaks for; none: those whom it vouches for are outsiders everywhere.
    pub organization: Option<String>,
    /// Where its keys come from.
    pub keys: Keys,
    /// The algorithms that its tokens may be signed with; HS256 alone for a shared secret.
    pub algorithms: Vec<Algorithm>,
    /// How its tokens name roles, and which it may name.
    pub roles: RoleRules,
    /// The claims that describe the person.
    pub claims: ClaimNames,
    /// How far its clock and ours may be apart.
    pub leeway: TimeDelta,
    /// How people sign in there on our pages; none where they bring their tokens from elsewhere.
    pub sign_in: Option<SignIn>,
}

/// Where the keys of an issuer come from.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Our own, in the database.
    Own(OwnIssuer),
    /// A key set (RFC 7517) of public keys.
    Set(SetSource),
    /// A secret shared with whoever signs, for HS256.
    Shared(Secret),
}

/// Where a key set is read from.
#[derive(Clone, Debug)]
pub enum SetSource {
    /// By HTTPS, or by HTTP from this machine. Private addresses are allowed: the
    /// operator wrote the address, no caller can change it.
    Url(Url),
    /// From a file.
    File(PathBuf),
}

/// A secret, which `Debug` does not show.
#[derive(Clone)]
pub struct Secret(String);

/// The claims that describe the person. A name is looked for at the top level
/// first, then as a dotted path.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ClaimNames {
    /// The tenant at the issuer; `tid` by default.
    pub tenant: String,
    /// The e-mail address; `email` by default.
    pub email: String,
    /// Whether the issuer has verified the address; `email_verified` by default.
    pub email_verified: String,
    /// The name to show; `name` by default.
    pub name: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            tenant: "tid".to_owned(),
            email: "email".to_owned(),
            email_verified: "email_verified".to_owned(),
            name: "name".to_owned(),
        }
    }
}

/// Why the issuers cannot be used. No message holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// The file that the setting names cannot be read.
    #[error("the file of the issuers, {path}, cannot be read: {reason}")]
    File {
        /// The path as it was set.
        path: String,
        /// The operating system's reason.
        reason: String,
    },
    /// The text is no JSON array of objects.
    #[error("the issuers must be a JSON array of objects: {0}")]
    Syntax(String),
    /// The array is empty, so that nobody could sign in.
    #[error("no issuer is set")]
    Empty,
    /// A field of an issuer is wrong.
    #[error("issuer {issuer}: {field}: {reason}")]
    Field {
        /// The name of the issuer, or its position where it has none, as in `#2`.
        issuer: String,
        /// The field, as written in the setting.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Issuers {
    /// Reads the setting: the JSON itself, or `@path` of a file that holds it.
    ///
    /// With `demo` an issuer may share an HS256 secret of at least
    /// [`SHORTEST_SECRET`] bytes; without it that is an error.
    pub fn parse(text: &str, demo: bool) -> Result<Self, IssuerError> {
        let text = text.trim();
        let entries =
            match text.strip_prefix('@') {
                Some(path) => array(&std::fs::read_to_string(path).map_err(|error| IssuerError::File {
                    path: path.to_owned(),
                    reason: error.to_string(),
                })?)?,
                None => array(text)?,
            };
        let mut issuers: Vec<Issuer> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            let mut fields = Fields::new(index, entry)?;
            let issuer = Issuer::read(&mut fields, demo)?;
            if issuers.iter().any(|other| other.name == issuer.name) {
                return Err(fields.error("issuer", "is set twice"));
            }
            let id = |issuer: &Issuer| issuer.sign_in.as_ref().map(|sign_in| sign_in.id.clone());
            if id(&issuer).is_some() && issuers.iter().any(|other| id(other) == id(&issuer)) {
                return Err(fields.error("signIn.id", "is another issuer's, too"));
            }
            fields.finish()?;
            issuers.push(issuer);
        }
        if issuers.is_empty() { Err(IssuerError::Empty) } else { Ok(Self(issuers)) }
    }

    /// The issuers, in the order of the setting.
    #[must_use]
    pub fn as_slice(&self) -> &[Issuer] {
        &self.0
    }
}

impl IntoIterator for Issuers {
    type Item = Issuer;
    type IntoIter = std::vec::IntoIter<Issuer>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Issuer {
    /// Guichet itself: it speaks for no organization, and asserts no roles.
    #[must_use]
    pub fn own(own: OwnIssuer) -> Self {
        Self {
            name: own.name().to_owned(),
            audiences: vec![own.name().to_owned()],
            organization: None,
            keys: Keys::Own(own),
            algorithms: vec![Algorithm::ES256],
            roles: RoleRules::default(),
            claims: ClaimNames::default(),
            leeway: TimeDelta::seconds(i64::from(DEFAULT_LEEWAY)),
            sign_in: None,
        }
    }

    fn read(fields: &mut Fields, demo: bool) -> Result<Self, IssuerError> {
        let name = fields.text("issuer")?;
        let audiences = read_audiences(fields)?;
        let organization = fields.optional_text("organization")?;
        let keys = read_keys(fields, demo)?;
        let algorithms = read_algorithms(fields, &keys)?;
        let roles = fields.take::<RoleRules>("roles")?;
        if roles.is_some() && organization.is_none() {
            return Err(fields.error("roles", "an issuer without an organization asserts no roles"));
        }
        let roles = roles.unwrap_or_default();
        let roles = roles.checked().map_err(|reason| fields.error("roles", reason))?;
        let claims = fields.take("claims")?.unwrap_or_default();
        let leeway = fields.take::<u16>("leewaySeconds")?.unwrap_or(DEFAULT_LEEWAY);
        if leeway > LARGEST_LEEWAY {
            return Err(fields.error("leewaySeconds", "must be 0 to 300"));
        }
        let leeway = TimeDelta::seconds(i64::from(leeway));
        let sign_in = fields.object("signIn")?.map(SignIn::read).transpose()?;
        Ok(Self { name, audiences, organization, keys, algorithms, roles, claims, leeway, sign_in })
    }
}

impl Secret {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// Finds a claim by its exact name at the top level (a namespaced claim such as
/// `https://contoso.example/roles` holds dots), else by a dotted path.
#[must_use]
pub fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        rest.split('.').try_fold(claims.get(first)?, |value, step| value.get(step))
    })
}

fn read_audiences(fields: &mut Fields) -> Result<Vec<String>, IssuerError> {
    let audiences = match fields.required::<Value>("audience")? {
        Value::String(one) => vec![one],
        other => serde_json::from_value(other)
            .map_err(|_| fields.error("audience", "must be a text or an array of texts"))?,
    };
    if audiences.is_empty() || audiences.iter().any(|audience: &String| audience.trim().is_empty()) {
        return Err(fields.error("audience", "must not be empty"));
    }
    Ok(audiences)
}

/// Read by hand, because the messages of serde quote what they do not expect, here perhaps a secret.
fn read_keys(fields: &mut Fields, demo: bool) -> Result<Keys, IssuerError> {
    let Value::Object(keys) = fields.required::<Value>("keys")? else {
        return Err(fields.error("keys", "must be an object"));
    };
    let mut entries = keys.into_iter();
    let (Some((kind, Value::String(value))), None) = (entries.next(), entries.next()) else {
        return Err(fields.error("keys", "must hold one text: jwksUrl, jwksFile or hs256Secret"));
    };
    match kind.as_str() {
        "jwksUrl" => match https_url(&value) {
            Ok(url) => Ok(Keys::Set(SetSource::Url(url))),
            Err(reason) => Err(fields.error("keys.jwksUrl", reason)),
        },
        "jwksFile" if value.trim().is_empty() => Err(fields.error("keys.jwksFile", "must not be empty")),
        "jwksFile" => Ok(Keys::Set(SetSource::File(PathBuf::from(value)))),
        "hs256Secret" if !demo => {
            Err(fields.error("keys.hs256Secret", "HS256 is for the demo and tests: use jwksUrl or jwksFile"))
        }
        "hs256Secret" if value.len() < SHORTEST_SECRET => {
            Err(fields.error("keys.hs256Secret", "must be at least 32 bytes"))
        }
        "hs256Secret" => Ok(Keys::Shared(Secret(value))),
        _ => Err(fields.error("keys", "must be one of jwksUrl, jwksFile, hs256Secret")),
    }
}

/// An address of an issuer.
fn https_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is no URL")?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err("is a URL without a host"),
    };
    if !url.username().is_empty() || url.password().is_some() {
        // The address is logged when the issuer is down.
        return Err("must not hold a user name or a password");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err("must be https, or http on a loopback host"),
    }
}

/// One kind of key, one list: symmetric and asymmetric algorithms never mix (RFC 8725 §2.1, §3.1).
fn read_algorithms(fields: &mut Fields, keys: &Keys) -> Result<Vec<Algorithm>, IssuerError> {
    let names = fields.take::<BTreeSet<String>>("algorithms")?;
    match (keys, names) {
        (Keys::Own(_), _) => Ok(vec![Algorithm::ES256]),
        (Keys::Shared(_), None) => Ok(vec![Algorithm::HS256]),
        (Keys::Shared(_), Some(_)) => Err(fields.error("algorithms", "must be left out with hs256Secret")),
        (Keys::Set(_), None) => Ok(DEFAULT_ALGORITHMS.to_vec()),
        (Keys::Set(_), Some(names)) if names.is_empty() => {
            Err(fields.error("algorithms", "must not be empty"))
        }
        (Keys::Set(_), Some(names)) => names
            .iter()
            .map(|name| match name.parse::<Algorithm>() {
                Ok(known) if known.family() == AlgorithmFamily::Hmac => {
                    Err(fields.error("algorithms", "HS256, HS384 and HS512 do not go with a key set"))
                }
                Ok(known) => Ok(known),
                Err(_) => Err(fields.error("algorithms", format!("{name} is not known"))),
            })
            .collect(),
    }
}

fn array(text: &str) -> Result<Vec<Value>, IssuerError> {
    match serde_json::from_str(text) {
        Ok(Value::Array(entries)) => Ok(entries),
        Ok(_) => Err(IssuerError::Syntax("found another kind of value".to_owned())),
        Err(error) => Err(IssuerError::Syntax(error.to_string())),
    }
}

#[cfg(test)]
mod tests;
