//! How people sign in at an issuer on our pages: where to send them, and who we are there.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use super::fields::Fields;
use super::{IssuerError, Secret, https_url};

/// The longest name of an issuer on a button, in characters.
const LONGEST_NAME: usize = 60;
/// The longest id of a sign-in, in characters.
const LONGEST_ID: usize = 40;
/// The scope where none is set.
const DEFAULT_SCOPE: &str = "openid";
/// What Guichet sets itself in a request for authorization.
const OURS: [&str; 8] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "redirect_uri",
    "resource",
    "response_type",
    "scope",
    "state",
];

/// Sign-in at an issuer by the authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636).
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The end of the address to which the issuer sends people back, one for each issuer: what comes from one is never
    /// taken to another (RFC 9700 §4.4).
    pub id: String,
    /// What people call the issuer; stands on the button.
    pub name: String,
    /// Where people are sent.
    pub authorization_url: Url,
    /// Where the code is taken for a token.
    pub token_url: Url,
    /// Who we are there.
    pub client_id: String,
    /// Our secret there; none for a public client.
    pub client_secret: Option<Secret>,
    /// What is asked for, separated by spaces.
    pub scope: String,
    /// The API that the token is for (RFC 8707), where the issuer wants it named.
    pub resource: Option<String>,
    /// What else the issuer wants in the request, such as `audience` or `prompt`.
    pub parameters: BTreeMap<String, String>,
}

impl SignIn {
    pub(super) fn read(mut fields: Fields) -> Result<Self, IssuerError> {
        let id = fields.text("id")?;
        let is_of_an_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if id.len() > LONGEST_ID || !id.bytes().all(is_of_an_id) {
            return Err(fields.error("id", "must have at most 40 characters of a to z, 0 to 9 and -"));
        }
        let name = fields.text("name")?;
        if name.chars().count() > LONGEST_NAME || name.contains(char::is_control) {
            return Err(fields.error("name", "must have at most 60 characters, on one line"));
        }
        let authorization_url = url(&mut fields, "authorizationUrl")?;
        let token_url = url(&mut fields, "tokenUrl")?;
        let client_id = fields.text("clientId")?;
        // By hand, because the messages of serde quote what they do not expect.
        let client_secret = match fields.take::<Value>("clientSecret")? {
            None => None,
            Some(Value::String(secret)) if !secret.is_empty() => Some(Secret(secret)),
            Some(_) => return Err(fields.error("clientSecret", "must be a text, and not empty")),
        };
        let scope = fields.optional_text("scope")?.unwrap_or_else(|| DEFAULT_SCOPE.to_owned());
        let resource = fields.optional_text("resource")?;
        let parameters = fields.take::<BTreeMap<String, String>>("parameters")?.unwrap_or_default();
        if let Some(name) = parameters.keys().find(|name| OURS.contains(&name.as_str())) {
            return Err(fields.error("parameters", format!("Guichet sets {name} itself")));
        }
        fields.finish()?;
        Ok(Self {
            id,
            name,
            authorization_url,
            token_url,
            client_id,
            client_secret,
            scope,
            resource,
            parameters,
        })
    }
}

fn url(fields: &mut Fields, field: &str) -> Result<Url, IssuerError> {
    https_url(&fields.text(field)?).map_err(|reason| fields.error(field, reason))
}
