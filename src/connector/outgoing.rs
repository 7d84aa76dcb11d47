//! The safety rules of every call that Guichet makes to an address somebody typed in.
//!
//! Such an address must not become a way into the operator's own network. A
//! client made here connects to public addresses only, unless the setting
//! allows private ones; it judges the addresses a name resolves to and connects
//! to no others, so that a name cannot change between check and use. It follows
//! no redirect, uses no proxy of the environment, repeats no request, and never
//! speaks plain HTTP to a public address.

pub mod reach;
pub mod redact;

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use entity::delivery::DeliveryErrorCode;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response, redirect, retry};
use url::{Host, Url};

use self::reach::{Reach, reach};
use super::Failure;

/// The longest answer that is read, in bytes.
pub const ANSWER_LIMIT: usize = 1024 * 1024;

/// Which addresses one client may connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    PublicOnly,
    PrivateOnly,
    Any,
}

impl Rule {
    fn admits(self, address: IpAddr) -> bool {
        match self {
            Self::PublicOnly => reach(address) == Reach::Public,
            Self::PrivateOnly => reach(address) == Reach::Private,
            Self::Any => true,
        }
    }
}

/// Why no call can go to a URL. The text names no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not an absolute `http` or `https` URL with a host, or one with a user name or a password.
    #[error("The address must be an https URL without user name and password.")]
    NotAUrl,
    /// Plain HTTP to a public address, or without the permission for private ones.
    #[error("The address must begin with https; http is for private addresses only, where they are allowed.")]
    PlainHttp,
    /// The address, or everything its name resolves to, is not one that may be called.
    #[error("The address leads to a network that calls may not go to.")]
    AddressRefused,
    /// The TLS library could not start, for example because the machine has no root certificates.
    #[error("The secure connection could not be prepared; are root certificates installed?")]
    TlsUnavailable,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(DeliveryErrorCode::ConnectorMisconfigured, &refusal.to_string())
    }
}

/// How long the parts of an outgoing call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    /// Until the connection stands, TLS included.
    pub connect: Duration,
    /// From the begin of one request to the end of its answer.
    pub request: Duration,
    /// The whole call, with all of its requests.
    pub call: Duration,
}

impl Default for TimeLimits {
    /// 5 s to connect, 10 s for a request, [`super::CALL_DEADLINE`] for the call.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), request: Duration::from_secs(10), call: super::CALL_DEADLINE }
    }
}

/// Makes a client for calls to the host of `url`, and to no other.
///
/// The rule depends on the scheme of `url`: give the client no URL of another origin. Fails where
/// no call to `url` could be allowed; a name is judged when it is resolved.
pub fn client(url: &Url, allow_private_addresses: bool, limits: TimeLimits) -> Result<Client, Refusal> {
    let rule = rule(url, allow_private_addresses)?;
    Client::builder()
        .user_agent("guichet")
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .connect_timeout(limits.connect)
        .timeout(limits.request)
        .dns_resolver(Arc::new(Filter(rule)))
        .build()
        .map_err(|_| Refusal::TlsUnavailable)
}

/// Whether a call to `url` could be allowed at all; a name is judged when it is resolved.
pub fn check(url: &Url, allow_private_addresses: bool) -> Result<(), Refusal> {
    rule(url, allow_private_addresses).map(|_| ())
}

fn rule(url: &Url, allow_private_addresses: bool) -> Result<Rule, Refusal> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::NotAUrl);
    }
    let rule = match (url.scheme(), allow_private_addresses) {
        ("https", false) => Rule::PublicOnly,
        ("https", true) => Rule::Any,
        ("http", true) => Rule::PrivateOnly,
        ("http", false) => return Err(Refusal::PlainHttp),
        _ => return Err(Refusal::NotAUrl),
    };
    // A literal address never reaches the resolver.
    let literal = match url.host() {
        None => return Err(Refusal::NotAUrl),
        Some(Host::Domain(_)) => None,
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
    };
    match (literal.is_none_or(|address| rule.admits(address)), rule) {
        (true, _) => Ok(rule),
        (false, Rule::PrivateOnly) => Err(Refusal::PlainHttp),
        (false, Rule::PublicOnly | Rule::Any) => Err(Refusal::AddressRefused),
    }
}

/// Resolves names by the system and hands on only the addresses that the rule admits.
struct Filter(Rule);

impl Resolve for Filter {
    fn resolve(&self, name: Name) -> Resolving {
        let rule = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.is_empty() {
                return Err(io::Error::from(io::ErrorKind::NotFound).into());
            }
            let admitted: Vec<SocketAddr> =
                found.into_iter().filter(|address| rule.admits(address.ip())).collect();
            if admitted.is_empty() {
                return Err(match rule {
                    Rule::PrivateOnly => Refusal::PlainHttp,
                    Rule::PublicOnly | Rule::Any => Refusal::AddressRefused,
                }
                .into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

/// A call that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// What to report.
    pub failure: Failure,
    /// Whether the request may have arrived all the same.
    pub may_have_arrived: bool,
}

impl From<&reqwest::Error> for Unanswered {
    fn from(error: &reqwest::Error) -> Self {
        if let Some(refusal) = refusal_behind(error) {
            return Self { failure: refusal.into(), may_have_arrived: false };
        }
        let (code, message) = if error.is_builder() {
            (DeliveryErrorCode::ConnectorMisconfigured, "The request could not be formed.")
        } else if error.is_timeout() {
            (DeliveryErrorCode::RemoteTimeout, "The remote did not answer in time.")
        } else if error.is_connect() {
            (DeliveryErrorCode::RemoteUnavailable, "The remote could not be reached.")
        } else {
            (DeliveryErrorCode::RemoteUnavailable, "The connection to the remote was lost.")
        };
        Self {
            failure: Failure::new(code, message),
            may_have_arrived: !error.is_connect() && !error.is_builder(),
        }
    }
}

/// The refusal of the resolver, which the HTTP client has wrapped into errors of its own.
fn refusal_behind(error: &reqwest::Error) -> Option<Refusal> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            return Some(*refusal);
        }
        source = cause.source();
    }
    None
}

/// Reads the body of an answer; `None` where it is longer than [`ANSWER_LIMIT`].
pub async fn read_body(mut answer: Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// Whether a failure speaks of the remote as a whole and not of one request: no answer, no
/// connection, or a gateway that says so (502, 503, 504). A breaker counts these.
#[must_use]
pub fn is_network_failure(failure: &Failure) -> bool {
    match failure.code {
        DeliveryErrorCode::RemoteTimeout => true,
        DeliveryErrorCode::RemoteUnavailable => matches!(failure.remote_status, None | Some(502..=504)),
        DeliveryErrorCode::RemoteThrottled
        | DeliveryErrorCode::RemoteAuthFailed
        | DeliveryErrorCode::PrincipalNotFound
        | DeliveryErrorCode::ResourceNotFound
        | DeliveryErrorCode::RoleNotFound
        | DeliveryErrorCode::Conflict
        | DeliveryErrorCode::RejectedByRemote
        | DeliveryErrorCode::NotSupported
        | DeliveryErrorCode::ConnectorMisconfigured
        | DeliveryErrorCode::AccountNotFound
        | DeliveryErrorCode::AccountNotReady
        | DeliveryErrorCode::AccountAlreadyLinked
        | DeliveryErrorCode::AccountInactive
        | DeliveryErrorCode::ChangeNotMade
        | DeliveryErrorCode::Internal => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str, allow_private_addresses: bool) -> Option<Refusal> {
        rule(&Url::parse(url).expect("a URL"), allow_private_addresses).err()
    }

    #[test]
    fn disguised_literals_are_refused() {
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://127.0.0.1./",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://169.254.169.254/",
            "https://0/",
        ] {
            assert_eq!(refusal(url, false), Some(Refusal::AddressRefused), "{url}");
        }
    }

    #[test]
    fn plain_http_is_for_private_addresses_only() {
        assert_eq!(refusal("http://127.0.0.1/", true), None);
        assert_eq!(refusal("http://localhost/", true), None);
        assert_eq!(refusal("http://127.0.0.1/", false), Some(Refusal::PlainHttp));
        assert_eq!(refusal("http://1.1.1.1/", true), Some(Refusal::PlainHttp));
        assert_eq!(refusal("http://[::ffff:1.1.1.1]/", true), Some(Refusal::PlainHttp));
        assert_eq!(refusal("http://scim.example/", false), Some(Refusal::PlainHttp));
        assert_eq!(refusal("https://1.1.1.1/", false), None);
        assert_eq!(refusal("https://10.0.0.1/", true), None);
        assert_eq!(refusal("ftp://scim.example/", true), Some(Refusal::NotAUrl));
        assert_eq!(refusal("https://user:word@scim.example/", true), Some(Refusal::NotAUrl));
    }

    #[test]
    fn a_breaker_counts_what_speaks_of_the_whole_remote() {
        let failure = |code, remote_status| Failure { remote_status, ..Failure::new(code, "") };
        assert!(is_network_failure(&failure(DeliveryErrorCode::RemoteTimeout, None)));
        assert!(is_network_failure(&failure(DeliveryErrorCode::RemoteUnavailable, None)));
        assert!(is_network_failure(&failure(DeliveryErrorCode::RemoteUnavailable, Some(503))));
        assert!(!is_network_failure(&failure(DeliveryErrorCode::RemoteUnavailable, Some(500))));
        assert!(!is_network_failure(&failure(DeliveryErrorCode::RejectedByRemote, Some(400))));
    }
}
