//! Making, changing and deleting connectors, and opening them to catalogs.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use uuid::Uuid;

use super::{AccountName, Connector, ConnectorKind};
use crate::authz::Action as _;
use crate::authz::permission::action::EditConnector;
use crate::domain::connector::{create, delete, open, test, update};
use crate::graphql::api::{Api, change, repeatable};
use crate::graphql::delivery::DeliveryErrorCode;
use crate::graphql::error::{ApiError, UserError, answer};
use crate::graphql::id::Kind;
use crate::graphql::requires::requires;
use crate::graphql::scalar::SecretText;
use crate::store;

/// A new connector.
#[derive(Debug, InputObject)]
pub struct CreateConnectorInput {
    /// Which protocol it speaks. It stays so.
    kind: ConnectorKind,
    /// The name, 1 to 200 characters, unique among the organization's connectors.
    display_name: String,
    /// For `SCIM`, required: where the remote answers. An https URL without user name, password, query and fragment;
    /// http only for private addresses, where the server's settings allow these. Not for `DIRECTORY`.
    base_url: Option<String>,
    /// For `SCIM`: the bearer token, 1 to 10,000 characters. It can never be read back. Not for `DIRECTORY`.
    secret: Option<SecretText>,
    /// Whether deliveries go out; while false they wait.
    #[graphql(default = true)]
    enabled: bool,
    /// For `SCIM`: what a user's login name (`userName`) at the target system is.
    #[graphql(default_with = "AccountName::Email")]
    account_name: AccountName,
    /// For `SCIM`: whether an account is also looked for by its e-mail addresses, if none has the login name.
    #[graphql(default = true)]
    match_by_email: bool,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's connector.
    idempotency_key: Option<String>,
}

/// The end of `createConnector`.
#[derive(SimpleObject)]
pub struct CreateConnectorPayload {
    /// The new connector; null when refused.
    connector: Option<Connector>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What to change of a connector; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateConnectorInput {
    /// The connector.
    id: ID,
    /// The version that the change is based on; `CONFLICT` when it is no longer that.
    version: i32,
    /// The name, 1 to 200 characters, unique among the organization's connectors.
    display_name: Option<String>,
    /// For `SCIM`: where the remote answers, as in `createConnector`. With another address the secret must be given
    /// again, or taken away: the stored one is never sent to a new address.
    base_url: Option<String>,
    /// For `SCIM`: the bearer token, 1 to 10,000 characters; null takes it away.
    secret: MaybeUndefined<SecretText>,
    /// Whether deliveries go out; while false they wait.
    enabled: Option<bool>,
    /// For `SCIM`: what a user's login name (`userName`) at the target system is. Accounts that are known stay linked.
    account_name: Option<AccountName>,
    /// For `SCIM`: whether an account is also looked for by its e-mail addresses, if none has the login name.
    match_by_email: Option<bool>,
    /// Required with another `baseUrl`: whether the accounts and grants that are known stay.
    accounts: Option<KnownAccounts>,
}

/// What becomes of the accounts and grants that are known when a connector leads to another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::connector::update::Accounts")]
pub enum KnownAccounts {
    /// The same system has moved: they stay. Refused with `IN_USE` if another connector leads to the old address, or
    /// something is known at the new one already.
    Keep,
    /// It is another system: accounts are looked for anew there, and nothing counts as given. What was given at the old
    /// address stays there.
    Forget,
}

/// The end of `updateConnector`.
#[derive(SimpleObject)]
pub struct UpdateConnectorPayload {
    /// The connector as it is now; null when refused.
    connector: Option<Connector>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which connector to delete.
#[derive(Debug, InputObject)]
pub struct DeleteConnectorInput {
    /// The connector.
    id: ID,
}

/// The end of `deleteConnector`.
#[derive(SimpleObject)]
pub struct DeleteConnectorPayload {
    /// The connector that was deleted; null when refused.
    connector: Option<Connector>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What a catalog may take from a connector.
#[derive(Debug, InputObject)]
pub struct OpenConnectorInput {
    /// The connector.
    connector: ID,
    /// The catalog.
    catalog: ID,
    /// The ids of the targets at the remote, at most 1,000: the whole list, which replaces the one before. `*` alone
    /// stands for all of them; an empty list closes the connector to the catalog.
    targets: Vec<String>,
}

/// The end of `openConnector`.
#[derive(SimpleObject)]
pub struct OpenConnectorPayload {
    /// The connector as it is now; null when refused.
    connector: Option<Connector>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which connector to try.
#[derive(Debug, InputObject)]
pub struct TestConnectorInput {
    /// The connector.
    id: ID,
}

/// Why a connector cannot be used.
#[derive(SimpleObject)]
pub struct ConnectorFailure {
    /// The kind of failure.
    code: DeliveryErrorCode,
    /// The remote's own words, secrets removed, at most 1,000 characters.
    message: String,
    /// The remote's status, for HTTP its status code; null where there was none.
    remote_status: Option<i32>,
}

impl ConnectorFailure {
    /// A failure in the remote's own words.
    pub fn new(code: entity::delivery::DeliveryErrorCode, message: String, status: Option<u16>) -> Self {
        Self { code: code.into(), message, remote_status: status.map(i32::from) }
    }
}

/// The end of `testConnector`.
#[derive(SimpleObject)]
pub struct TestConnectorPayload {
    /// The connector with its health as it is now; null when refused.
    connector: Option<Connector>,
    /// Why the remote cannot be used; null when it can.
    failure: Option<ConnectorFailure>,
    /// Why the trial was refused; empty when it was made.
    user_errors: Vec<UserError>,
}

/// The connector that a command has made or changed.
async fn changed(api: &Api, id: Option<Uuid>) -> Result<Option<Connector>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found = store::connector::find(&api.database, api.named(), &[id]).await?;
    Ok(found.into_iter().next().map(|connector| Connector(Arc::new(connector))))
}

/// Changes of connectors.
#[derive(Default)]
pub struct ConnectorMutation;

#[Object]
impl ConnectorMutation {
    /// Makes a connector. It serves no catalog until it is opened to one.
    #[graphql(directive = requires::apply(EditConnector::PERMISSION.into()))]
    async fn create_connector(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The connector.")] input: CreateConnectorInput,
    ) -> Result<CreateConnectorPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnector>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let (id, user_errors) = api
            .run(create::Create {
                permit,
                environment: api.environment.clone(),
                kind: input.kind.into(),
                display_name: input.display_name,
                base_url: input.base_url,
                secret: input.secret.map(|secret| secret.0),
                enabled: input.enabled,
                account_name: input.account_name.into(),
                match_by_email: input.match_by_email,
                idempotency,
            })
            .await?;
        Ok(CreateConnectorPayload { connector: changed(api, id).await?, user_errors })
    }

    /// Changes a connector.
    #[graphql(directive = requires::apply(EditConnector::PERMISSION.into()))]
    async fn update_connector(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateConnectorInput,
    ) -> Result<UpdateConnectorPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnector>().await?;
        let (id, user_errors) = api
            .run(update::Update {
                permit,
                environment: api.environment.clone(),
                id: Kind::Connector.parse(&input.id),
                version: input.version,
                display_name: input.display_name,
                base_url: input.base_url,
                secret: change(input.secret.map_value(|secret| secret.0)),
                enabled: input.enabled,
                account_name: input.account_name.map(Into::into),
                match_by_email: input.match_by_email,
                accounts: input.accounts.map(Into::into),
            })
            .await?;
        Ok(UpdateConnectorPayload { connector: changed(api, id).await?, user_errors })
    }

    /// Deletes a connector; `IN_USE` names what still needs it: resources, groups kept for it, requests that are
    /// being delivered.
    #[graphql(directive = requires::apply(EditConnector::PERMISSION.into()))]
    async fn delete_connector(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The connector.")] input: DeleteConnectorInput,
    ) -> Result<DeleteConnectorPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnector>().await?;
        let command = delete::Delete { permit, id: Kind::Connector.parse(&input.id) };
        let (id, user_errors) = api.run(command).await?;
        Ok(DeleteConnectorPayload { connector: changed(api, id).await?, user_errors })
    }

    /// Tries a connector: whether the remote answers and lets Guichet in. What was found is kept as its health.
    #[graphql(directive = requires::apply(EditConnector::PERMISSION.into()))]
    async fn test_connector(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The connector.")] input: TestConnectorInput,
    ) -> Result<TestConnectorPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnector>().await?;
        let id = Kind::Connector.parse(&input.id);
        let tested = test::test(&api.database, &api.environment.connectors, permit, id, api.until).await;
        let (tested, user_errors) = answer(tested)?;
        let connector = changed(api, tested.as_ref().map(|tested| tested.connector)).await?;
        let failure = tested.and_then(|tested| tested.failure);
        let failure = failure
            .map(|failure| ConnectorFailure::new(failure.code, failure.message, failure.remote_status));
        Ok(TestConnectorPayload { connector, failure, user_errors })
    }

    /// Opens a connector to a catalog for named targets, so that the catalog's owners can take these as resources;
    /// without that nobody reaches a group of the company by making a catalog. `IN_USE` names resources of the catalog
    /// whose targets are missing in the new list.
    #[graphql(directive = requires::apply(EditConnector::PERMISSION.into()))]
    async fn open_connector(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the catalog may take.")] input: OpenConnectorInput,
    ) -> Result<OpenConnectorPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnector>().await?;
        let (id, user_errors) = api
            .run(open::Open {
                permit,
                connector: Kind::Connector.parse(&input.connector),
                catalog: Kind::Catalog.parse(&input.catalog),
                targets: input.targets,
            })
            .await?;
        Ok(OpenConnectorPayload { connector: changed(api, id).await?, user_errors })
    }
}
