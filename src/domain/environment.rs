//! What commands need to know of the server's settings.

use std::sync::Arc;

use crate::connector::registry::Registry;
use crate::secret::SecretKeys;

/// What commands need to know of the server's settings. Clones are cheap.
#[derive(Clone)]
pub struct Environment {
    /// The connectors in use.
    pub connectors: Registry,
    /// The keys for secrets at rest.
    pub secret_keys: Arc<SecretKeys>,
    /// Whether connectors may call loopback and private addresses, and these without TLS.
    pub allow_private_addresses: bool,
    /// The address that people reach the server by: links begin with it.
    pub public_url: Arc<str>,
    /// How many access tokens a member may have.
    pub tokens_per_user: u32,
    /// The issuers whose tokens are accepted.
    pub issuers: Arc<[BoundIssuer]>,
    /// Whether there is a mail server.
    pub can_mail: bool,
}

/// An issuer whose tokens are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundIssuer {
    /// The `iss` of its tokens.
    pub name: String,
    /// The slug or a domain of the organization that it speaks for; none: it speaks for none.
    pub organization: Option<String>,
    /// The claim of its tokens that names the tenant.
    pub tenant_claim: String,
}
