//! Sign-in at an issuer from our pages: the authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636).
//!
//! The server makes state and verifier, and takes the code for the token; the page keeps them between, in the browser
//! tab that asked. So the server remembers nothing, and the page calls nobody but the server.

use std::ops::RangeInclusive;

use oauth2::basic::{BasicClient, BasicErrorResponseType};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    TokenResponse as _, TokenUrl,
};
use tokio::sync::Semaphore;

use super::fetch::{self, FetchError};
use super::issuer::{Issuers, SignIn};

/// How many codes are taken to one issuer at once: each waits for another server, and anybody can ask.
const AT_ONCE: usize = 32;
/// The longest code, in bytes.
const LONGEST_CODE: usize = 4_096;
/// How long a verifier is, in characters (RFC 7636 §4.1).
const VERIFIER: RangeInclusive<usize> = 43..=128;

/// By which an issuer is told to ask who it is, whoever is signed in there (OpenID Connect Core 3.1.2.1).
const PROMPT: &str = "prompt";

/// An issuer at which people can sign in, as its client.
struct Way {
    issuer: String,
    organization: Option<String>,
    settings: SignIn,
    client: Client,
    back: RedirectUrl,
    at_once: Semaphore,
}

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The issuers at which people can sign in.
pub struct CodeFlow(Vec<Way>);

/// An issuer to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice<'a> {
    /// The `iss` of its tokens.
    pub issuer: &'a str,
    /// What people call it.
    pub name: &'a str,
    /// The organization that it speaks for.
    pub organization: Option<&'a str>,
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where to go.
    pub url: String,
    /// Where the issuer sends people back.
    pub back: String,
    /// What the answer has to repeat.
    pub state: String,
    /// What proves that the code was asked for here.
    pub verifier: String,
}

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// People cannot sign in at an issuer of this name.
    UnknownIssuer,
    /// This is no code, or no verifier.
    Malformed,
    /// The issuer does not take the code: it was used, has ended, or was asked for by somebody else.
    Code,
    /// The issuer did not answer, or nothing that can be used.
    Issuer,
    /// Too many sign in at this instant.
    Busy,
}

impl CodeFlow {
    /// The issuers that have a sign-in; each sends people back to an address of its own below this one.
    pub fn new(issuers: &Issuers, public_url: &str) -> Result<Self, oauth2::url::ParseError> {
        let ways = issuers.as_slice().iter().filter_map(|issuer| Some((issuer, issuer.sign_in.clone()?)));
        let ways = ways.map(|(issuer, settings)| {
            let back = RedirectUrl::new(format!(
                "{}/sign-in/from/{}",
                public_url.trim_end_matches('/'),
                settings.id
            ))?;
            let mut client = BasicClient::new(ClientId::new(settings.client_id.clone()))
                .set_auth_uri(AuthUrl::from_url(settings.authorization_url.clone()))
                .set_token_uri(TokenUrl::from_url(settings.token_url.clone()))
                .set_redirect_uri(back.clone());
            if let Some(secret) = &settings.client_secret {
                client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
            }
            let (issuer, organization) = (issuer.name.clone(), issuer.organization.clone());
            Ok(Way { issuer, organization, settings, client, back, at_once: Semaphore::new(AT_ONCE) })
        });
        ways.collect::<Result<_, _>>().map(Self)
    }

    /// The issuers to choose from, in the order of the settings.
    pub fn choices(&self) -> impl Iterator<Item = Choice<'_>> {
        self.0.iter().map(|way| Choice {
            issuer: &way.issuer,
            name: &way.settings.name,
            organization: way.organization.as_deref(),
        })
    }

    /// Begins a sign-in at this issuer; as somebody else than before, where the issuer is to ask `again` who it is.
    pub fn begin(&self, issuer: &str, again: bool) -> Result<Begun, Refused> {
        let Way { client, settings, back, .. } = self.way(issuer)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge);
        for scope in settings.scope.split_whitespace() {
            request = request.add_scope(Scope::new(scope.to_owned()));
        }
        if let Some(resource) = &settings.resource {
            request = request.add_extra_param("resource", resource);
        }
        for (name, value) in &settings.parameters {
            request = request.add_extra_param(name, value);
        }
        if again && !settings.parameters.contains_key(PROMPT) {
            request = request.add_extra_param(PROMPT, "login");
        }
        let (url, state) = request.url();
        let back = back.to_string();
        Ok(Begun { url: url.into(), back, state: state.into_secret(), verifier: verifier.into_secret() })
    }

    /// Takes a code for an access token. Nothing of an answer reaches the caller but the token.
    pub async fn finish(&self, issuer: &str, code: String, verifier: String) -> Result<String, Refused> {
        let Way { client, settings, at_once, .. } = self.way(issuer)?;
        if code.is_empty() || code.len() > LONGEST_CODE || !VERIFIER.contains(&verifier.len()) {
            return Err(Refused::Malformed);
        }
        let _turn = at_once.try_acquire().map_err(|_| Refused::Busy)?;
        let mut request = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier));
        if let Some(resource) = &settings.resource {
            request = request.add_extra_param("resource", resource);
        }
        match request.request_async(&call).await {
            Ok(answer) => Ok(answer.access_token().secret().clone()),
            Err(RequestTokenError::ServerResponse(error))
                if *error.error() == BasicErrorResponseType::InvalidGrant =>
            {
                Err(Refused::Code)
            }
            // Anybody can cause these.
            Err(RequestTokenError::ServerResponse(error)) => {
                let error = error.error();
                tracing::warn!(issuer, %error, "an issuer did not take a code");
                Err(Refused::Issuer)
            }
            // A body that is not understood may hold a token; it stays out of the log.
            Err(RequestTokenError::Parse(error, _)) => {
                tracing::error!(issuer, %error, "an issuer's answer to a code is not understood");
                Err(Refused::Issuer)
            }
            Err(error) => {
                tracing::error!(issuer, %error, "an issuer did not take a code");
                Err(Refused::Issuer)
            }
        }
    }

    fn way(&self, issuer: &str) -> Result<&Way, Refused> {
        self.0.iter().find(|way| way.issuer == issuer).ok_or(Refused::UnknownIssuer)
    }
}

async fn call(request: HttpRequest) -> Result<HttpResponse, FetchError> {
    let response = fetch::client()?.execute(request.try_into()?).await?;
    let (status, kind) = (response.status(), response.headers().get(reqwest::header::CONTENT_TYPE).cloned());
    let mut answer = HttpResponse::new(fetch::body(response).await?);
    *answer.status_mut() = status;
    answer.headers_mut().extend(kind.map(|kind| (reqwest::header::CONTENT_TYPE, kind)));
    Ok(answer)
}
