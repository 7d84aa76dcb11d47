//! Entering, changing and deleting connected organizations.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};
use uuid::Uuid;

use super::{ConnectedOrganization, ConnectedOrganizationState};
use crate::authz::Action as _;
use crate::authz::permission::action::EditConnectedOrganization;
use crate::domain::connected_organization::sources::Source;
use crate::domain::connected_organization::{create, delete, update};
use crate::graphql::api::{Api, repeatable};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::{GlobalId as _, Kind};
use crate::graphql::requires::requires;
use crate::store;

/// A tenant of an issuer.
#[derive(Debug, InputObject)]
pub struct TenantSourceInput {
    /// The `iss` of their tokens.
    issuer: String,
    /// The claim that names the tenant: the one that the operator set for the issuer, `tid` where nothing was set.
    claim: String,
    /// The value of that claim, 1 to 255 bytes, compared letter by letter.
    value: String,
}

/// A domain of e-mail addresses.
#[derive(Debug, InputObject)]
pub struct DomainSourceInput {
    /// The domain, in any case; letters beyond ASCII are kept in Punycode. Public mail domains are refused.
    domain: String,
    /// The issuers that may vouch for an address of it, 1 to 10: an address counts where one of these has verified it.
    issuers: Vec<String>,
}

/// What the people of a connected organization are known by: exactly one of these. Every issuer must be one that the
/// operator trusts and that does not speak for this organization.
#[derive(Debug, OneofObject)]
pub enum IdentitySourceInput {
    /// Everybody whom this issuer vouches for: its `iss`.
    Issuer(String),
    /// Those of a tenant of an issuer.
    Tenant(TenantSourceInput),
    /// Those with a verified address of a domain; not together with an issuer or a tenant.
    Domain(DomainSourceInput),
}

impl From<IdentitySourceInput> for Source {
    fn from(input: IdentitySourceInput) -> Self {
        match input {
            IdentitySourceInput::Issuer(issuer) => Self::Issuer(issuer),
            IdentitySourceInput::Tenant(tenant) => {
                Self::Tenant { issuer: tenant.issuer, claim: tenant.claim, value: tenant.value }
            }
            IdentitySourceInput::Domain(domain) => {
                Self::Domain { domain: domain.domain, issuers: domain.issuers }
            }
        }
    }
}

/// A new connected organization.
#[derive(Debug, InputObject)]
pub struct CreateConnectedOrganizationInput {
    /// The name, 1 to 200 characters, unique among the connected organizations.
    display_name: String,
    /// What it is, at most 2,000 characters.
    #[graphql(default)]
    description: String,
    /// How far it has come.
    #[graphql(default_with = "ConnectedOrganizationState::Configured")]
    state: ConnectedOrganizationState,
    /// What its people are known by, 1 to 20. Each belongs to one connected organization (`IDENTITY_SOURCE_TAKEN`).
    identity_sources: Vec<IdentitySourceInput>,
    /// The members who stand for it, at most 50. Guests from there can be added once there are some.
    #[graphql(default)]
    internal_sponsors: Vec<ID>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's connected organization.
    idempotency_key: Option<String>,
}

/// The end of `createConnectedOrganization`.
#[derive(SimpleObject)]
pub struct CreateConnectedOrganizationPayload {
    /// The new connected organization; null when refused.
    connected_organization: Option<ConnectedOrganization>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// What to change of a connected organization; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateConnectedOrganizationInput {
    /// The connected organization.
    id: ID,
    /// The version that the change is based on; `CONFLICT` when it is no longer that.
    version: i32,
    /// The name, 1 to 200 characters, unique among the connected organizations.
    display_name: Option<String>,
    /// What it is, at most 2,000 characters.
    description: Option<String>,
    /// How far it has come.
    state: Option<ConnectedOrganizationState>,
    /// What its people are known by, 1 to 20: the whole list, which replaces the one before.
    identity_sources: Option<Vec<IdentitySourceInput>>,
    /// The members who stand for it, at most 50: the whole list.
    internal_sponsors: Option<Vec<ID>>,
    /// The guests from there who stand for it, at most 50: the whole list.
    external_sponsors: Option<Vec<ID>>,
}

/// The end of `updateConnectedOrganization`.
#[derive(SimpleObject)]
pub struct UpdateConnectedOrganizationPayload {
    /// The connected organization as it is now; null when refused.
    connected_organization: Option<ConnectedOrganization>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which connected organization to delete.
#[derive(Debug, InputObject)]
pub struct DeleteConnectedOrganizationInput {
    /// The connected organization.
    id: ID,
}

/// The end of `deleteConnectedOrganization`.
#[derive(SimpleObject)]
pub struct DeleteConnectedOrganizationPayload {
    /// The connected organization that was deleted; null when refused.
    connected_organization: Option<ConnectedOrganization>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// The connected organization that a command has made or changed.
async fn changed(api: &Api, id: Option<Uuid>) -> Result<Option<ConnectedOrganization>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found = store::connected_organization::find(&api.database, api.named(), &[id]).await?;
    Ok(found.into_iter().next().map(|row| ConnectedOrganization(Arc::new(row))))
}

fn users(ids: &[ID]) -> Vec<Uuid> {
    ids.iter().map(|id| Kind::User.named(id)).collect()
}

fn sources(input: Vec<IdentitySourceInput>) -> Vec<Source> {
    input.into_iter().map(Source::from).collect()
}

/// Changes of connected organizations.
#[derive(Default)]
pub struct ConnectedOrganizationMutation;

#[Object]
impl ConnectedOrganizationMutation {
    /// Enters a connected organization: its people are known from then on, those who are guests already from their
    /// next call.
    #[graphql(directive = requires::apply(EditConnectedOrganization::PERMISSION.into()))]
    async fn create_connected_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The connected organization.")] input: CreateConnectedOrganizationInput,
    ) -> Result<CreateConnectedOrganizationPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnectedOrganization>().await?;
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let (id, user_errors) = api
            .run(create::Create {
                permit,
                environment: api.environment.clone(),
                display_name: input.display_name,
                description: input.description,
                state: input.state.into(),
                identity_sources: sources(input.identity_sources),
                internal_sponsors: users(&input.internal_sponsors),
                idempotency,
            })
            .await?;
        Ok(CreateConnectedOrganizationPayload {
            connected_organization: changed(api, id).await?,
            user_errors,
        })
    }

    /// Changes a connected organization. A proposed one is configured by its `state`.
    #[graphql(directive = requires::apply(EditConnectedOrganization::PERMISSION.into()))]
    async fn update_connected_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateConnectedOrganizationInput,
    ) -> Result<UpdateConnectedOrganizationPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnectedOrganization>().await?;
        let (id, user_errors) = api
            .run(update::Update {
                permit,
                environment: api.environment.clone(),
                id: Kind::ConnectedOrganization.parse(&input.id),
                version: input.version,
                display_name: input.display_name,
                description: input.description,
                state: input.state.map(Into::into),
                identity_sources: input.identity_sources.map(sources),
                internal_sponsors: input.internal_sponsors.as_deref().map(users),
                external_sponsors: input.external_sponsors.as_deref().map(users),
            })
            .await?;
        Ok(UpdateConnectedOrganizationPayload {
            connected_organization: changed(api, id).await?,
            user_errors,
        })
    }

    /// Deletes a connected organization; `IN_USE` names up to ten policies that name it. Its guests stay guests, with
    /// what they hold.
    #[graphql(directive = requires::apply(EditConnectedOrganization::PERMISSION.into()))]
    async fn delete_connected_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The connected organization.")] input: DeleteConnectedOrganizationInput,
    ) -> Result<DeleteConnectedOrganizationPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnectedOrganization>().await?;
        let command = delete::Delete { permit, id: Kind::ConnectedOrganization.parse(&input.id) };
        let (id, user_errors) = api.run(command).await?;
        Ok(DeleteConnectedOrganizationPayload {
            connected_organization: changed(api, id).await?,
            user_errors,
        })
    }
}
