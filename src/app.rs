//! The parts of a running server, put together.

use std::sync::Arc;

use crate::authn::Authenticator;
use crate::authn::code_flow::CodeFlow;
use crate::authn::own::OwnIssuer;
use crate::authn::verify::Verifier;
use crate::clock::Clock;
use crate::config::{ConfigError, Limits, Settings};
use crate::connector::registry::Registry;
use crate::domain::Environment;
use crate::domain::email_sign_in::EmailSignIn;
use crate::domain::environment::BoundIssuer;
use crate::domain::introspection::Introspector;
use crate::graphql::{self, Schema};
use crate::http::documents::Documents;
use crate::http::pages::PageSettings;
use crate::http::shape::Shape;
use crate::mail::Mailer;
use crate::store::{Database, StoreError};
use crate::worker::{Post, Worker};

/// A server without its socket.
pub struct App {
    /// The database.
    pub database: Database,
    /// What commands need of the settings.
    pub environment: Environment,
    /// Who calls.
    pub authenticator: Authenticator,
    /// Signs our own tokens.
    pub own_issuer: OwnIssuer,
    /// Signs people from outside in by a code.
    pub email_sign_in: EmailSignIn,
    /// Signs people in at their issuer.
    pub code_flow: CodeFlow,
    /// Answers what tokens may do.
    pub introspector: Introspector,
    /// The connectors in use.
    pub connectors: Registry,
    /// Carries out what is due.
    pub worker: Worker,
    /// The schema.
    pub schema: Schema,
    /// What the schema says of each field.
    pub shape: Shape,
    /// The documents that are in use.
    pub documents: Documents,
    /// What a call and a connection may cost.
    pub limits: Limits,
    /// What the pages are told.
    pub pages: PageSettings,
}

/// Why a server could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database.
    #[error("the database: {0}")]
    Database(#[from] StoreError),
    /// Something else of the machine.
    #[error("{0}")]
    Other(String),
}

impl App {
    /// Connects to the database and puts the parts together.
    pub async fn start(
        settings: Settings,
        clock: Clock,
        pages: PageSettings,
    ) -> Result<Arc<Self>, StartError> {
        let database = Database::connect(&settings.database, clock.clone()).await?;
        let connectors = Registry::new(
            database.clone(),
            Arc::clone(&settings.secret_keys),
            settings.allow_private_addresses,
        );
        let mailer = settings.mail.as_ref().map(Mailer::new).transpose();
        let mailer = mailer.map_err(|fault| ConfigError(format!("the mail server: {fault}")))?;
        let can_mail = mailer.is_some();
        let post = Post {
            mailer,
            public_url: settings.public_url.clone(),
            secret_keys: Arc::clone(&settings.secret_keys),
        };
        let own_issuer =
            OwnIssuer::new(&settings.public_url, database.clone(), Arc::clone(&settings.secret_keys));
        if settings.issuers.as_slice().iter().any(|issuer| issuer.name == own_issuer.name()) {
            let fault = "GUICHET_ISSUERS: an issuer has the name of this server's own, GUICHET_PUBLIC_URL";
            return Err(ConfigError(fault.to_owned()).into());
        }
        let own = BoundIssuer {
            name: own_issuer.name().to_owned(),
            organization: None,
            tenant_claim: "tid".to_owned(),
        };
        let email_sign_in = EmailSignIn::new(database.clone(), Arc::clone(&settings.secret_keys), can_mail);
        let issuers = settings.issuers.as_slice().iter().map(|issuer| BoundIssuer {
            name: issuer.name.clone(),
            organization: issuer.organization.clone(),
            tenant_claim: issuer.claims.tenant.clone(),
        });
        let environment = Environment {
            connectors: connectors.clone(),
            secret_keys: settings.secret_keys,
            allow_private_addresses: settings.allow_private_addresses,
            public_url: settings.public_url.into(),
            tokens_per_user: settings.limits.tokens_per_user,
            issuers: issuers.chain([own]).collect(),
            can_mail,
        };
        let code_flow = CodeFlow::new(&settings.issuers, &environment.public_url)
            .map_err(|error| ConfigError(format!("GUICHET_PUBLIC_URL: {error}")))?;
        let verifier = Verifier::new(settings.issuers, clock).with_own(own_issuer.clone());
        let shape = Shape::read(&graphql::sdl()).map_err(StartError::Other)?;
        Ok(Arc::new(Self {
            worker: Worker::new(database.clone(), connectors.clone(), post),
            connectors,
            authenticator: Authenticator::new(verifier, database.clone()),
            own_issuer,
            email_sign_in,
            code_flow,
            introspector: Introspector::new(database.clone()),
            database,
            environment,
            schema: graphql::schema(),
            shape,
            documents: Documents::new(&settings.limits),
            limits: settings.limits,
            pages,
        }))
    }
}
