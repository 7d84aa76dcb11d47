//! Sign-in at an issuer from our pages: the authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636).
//!
//! The server makes state and verifier, and takes the code for the token; the page keeps them between, in the browser
//! tab that asked. So the server remembers nothing, and the page calls nobody but the server.

use oauth2::basic::{BasicClient, BasicErrorResponseType};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    TokenResponse as _, TokenUrl,
};
use tokio::sync::Semaphore;

use super::fetch::{self, FetchError};
use super::issuer::{Issuers, SignIn};

/// How many codes are taken to issuers at once: each waits for another server, and anybody can ask.
const AT_ONCE: usize = 32;

/// An issuer at which people can sign in, as its client.
struct Way {
    issuer: String,
    organization: Option<String>,
    settings: SignIn,
    client: Client,
}

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The issuers at which people can sign in.
pub struct CodeFlow {
    ways: Vec<Way>,
    at_once: Semaphore,
}

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
    /// The issuer does not take the code: it was used, has ended, or was asked for by somebody else.
    Code,
    /// The issuer did not answer, or nothing that can be used.
    Issuer,
    /// Too many sign in at this instant.
    Busy,
}

impl CodeFlow {
    /// The issuers that have a sign-in; they send people back to this address.
    pub fn new(issuers: &Issuers, public_url: &str) -> Result<Self, oauth2::url::ParseError> {
        let back = RedirectUrl::new(format!("{}/sign-in", public_url.trim_end_matches('/')))?;
        let ways = issuers.as_slice().iter().filter_map(|issuer| {
            let settings = issuer.sign_in.clone()?;
            let mut client = BasicClient::new(ClientId::new(settings.client_id.clone()))
                .set_auth_uri(AuthUrl::from_url(settings.authorization_url.clone()))
                .set_token_uri(TokenUrl::from_url(settings.token_url.clone()))
                .set_redirect_uri(back.clone());
            if let Some(secret) = &settings.client_secret {
                client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
            }
            let (issuer, organization) = (issuer.name.clone(), issuer.organization.clone());
            Some(Way { issuer, organization, settings, client })
        });
        Ok(Self { ways: ways.collect(), at_once: Semaphore::new(AT_ONCE) })
    }

    /// The issuers to choose from, in the order of the settings.
    pub fn choices(&self) -> impl Iterator<Item = Choice<'_>> {
        self.ways.iter().map(|way| Choice {
            issuer: &way.issuer,
            name: &way.settings.name,
            organization: way.organization.as_deref(),
        })
    }

    /// Begins a sign-in at this issuer.
    pub fn begin(&self, issuer: &str) -> Result<Begun, Refused> {
        let Way { client, settings, .. } = self.way(issuer)?;
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
        let (url, state) = request.url();
        Ok(Begun { url: url.into(), state: state.into_secret(), verifier: verifier.into_secret() })
    }

    /// Takes a code for an access token. Nothing of an answer reaches the caller but the token.
    pub async fn finish(&self, issuer: &str, code: String, verifier: String) -> Result<String, Refused> {
        let Way { client, settings, .. } = self.way(issuer)?;
        let _turn = self.at_once.try_acquire().map_err(|_| Refused::Busy)?;
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
        self.ways.iter().find(|way| way.issuer == issuer).ok_or(Refused::UnknownIssuer)
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
