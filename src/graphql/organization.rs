//! The organization that calls act in.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{organization, organization_digest};

use super::api::Api;
use super::audit_event::AuditChain;
use super::error::{ApiError, UserError};
use super::id::{GlobalId, Kind};
use super::repository::BaseAccessLevel;
use super::requires::requires;
use super::scalar::Duration;
use super::token_policy::TokenPolicy;
use crate::authz::permission::action::EditOrganization;
use crate::authz::{Action as _, Permission};
use crate::domain;
use crate::store;

/// A tenant: one directory of users with its catalogs and policies. Nothing crosses organizations.
#[derive(Clone)]
pub struct Organization(pub organization::Model);

/// A tenant: one directory of users with its catalogs and policies. Nothing crosses organizations.
#[Object]
impl Organization {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::Organization.id(self.0.id)
    }

    /// The short name, unique on the server; what the header `Guichet-Organization` takes.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The name to show.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// The verified domains; the first is the hint in share links. Set by the operator. Outsiders see none.
    async fn domains(&self, ctx: &Context<'_>) -> Result<Vec<String>, ApiError> {
        if !shown(ctx) {
            return Ok(Vec::new());
        }
        Ok(store::organization::domains(&Api::of(ctx).database, self.0.id).await?)
    }

    /// How long after its first completion an access request can be reprocessed; 14 days unless set otherwise.
    /// Null for outsiders.
    async fn reprocess_window(&self, ctx: &Context<'_>) -> Option<Duration> {
        shown(ctx).then(|| Duration::seconds(self.0.reprocess_window_seconds))
    }

    /// The hour of the day, 0 to 23, at which owners get their digest of what waits; 8 unless set otherwise. Null for
    /// outsiders.
    async fn digest_hour(&self, ctx: &Context<'_>) -> Result<Option<i32>, ApiError> {
        Ok(self.digest(ctx).await?.map(|plan| plan.hour))
    }

    /// The time zone of that hour, by its name in the IANA time zone database; `UTC` unless set otherwise. Null for
    /// outsiders.
    async fn digest_time_zone(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        Ok(self.digest(ctx).await?.map(|plan| plan.time_zone))
    }

    /// A guest who holds no assignment and has asked for none is blocked after this long; 30 days unless set otherwise.
    /// Null for outsiders.
    async fn guest_block_after(&self, ctx: &Context<'_>) -> Option<Duration> {
        shown(ctx).then(|| Duration::seconds(self.0.guest_block_after_seconds))
    }

    /// A guest who was blocked is removed after this long, their name and address erased; 30 days unless set
    /// otherwise. Null for outsiders.
    async fn guest_remove_after(&self, ctx: &Context<'_>) -> Option<Duration> {
        shown(ctx).then(|| Duration::seconds(self.0.guest_remove_after_seconds))
    }

    /// Whether people from outside may sign in by a one-time code that is mailed to them; false unless set otherwise. Null
    /// for outsiders.
    async fn email_sign_in(&self, ctx: &Context<'_>) -> Option<bool> {
        shown(ctx).then_some(self.0.email_sign_in)
    }

    /// What the organization lets access tokens do. Null for outsiders.
    async fn token_policy(&self, ctx: &Context<'_>) -> Option<TokenPolicy> {
        shown(ctx).then(|| TokenPolicy(self.0.clone()))
    }

    /// What every member may do with every repository; `NONE` unless set otherwise. Null for outsiders.
    async fn base_access_level(&self, ctx: &Context<'_>) -> Option<BaseAccessLevel> {
        shown(ctx).then(|| self.0.base_level.into())
    }

    /// The last event of the chain of audit events. Null for those who do not see all audit events (`@requires` of
    /// `auditEvents`), and before the first one is sealed.
    async fn audit_chain(&self, ctx: &Context<'_>) -> Result<Option<AuditChain>, ApiError> {
        AuditChain::of(ctx).await
    }

    /// Whether you may change the settings.
    async fn viewer_can_edit(&self, ctx: &Context<'_>) -> bool {
        Api::of(ctx).viewer.holds(Permission::ManageOrganization)
    }

    /// Raised by every change; give it back when changing the object. Null for outsiders.
    async fn version(&self, ctx: &Context<'_>) -> Option<i32> {
        shown(ctx).then_some(self.0.version)
    }

    /// When the organization was made. Null for outsiders.
    async fn created_at(&self, ctx: &Context<'_>) -> Option<DateTime<Utc>> {
        shown(ctx).then_some(self.0.created_at)
    }
}

impl Organization {
    /// The plan of the digest; none for outsiders.
    async fn digest(&self, ctx: &Context<'_>) -> Result<Option<organization_digest::Model>, ApiError> {
        if !shown(ctx) {
            return Ok(None);
        }
        let api = Api::of(ctx);
        let plan = store::digest::get(&api.database, self.0.id).await?;
        Ok(Some(plan.unwrap_or_else(|| domain::notification::digest::usual(self.0.id, api.now))))
    }
}

/// Whether the viewer belongs to the organization: others see its name and slug, and no more.
fn shown(ctx: &Context<'_>) -> bool {
    Api::of(ctx).viewer.is_member
}

/// Reads the organization that the call acts in.
pub async fn current(ctx: &Context<'_>) -> Result<Organization, ApiError> {
    let api = Api::of(ctx);
    let found = store::organization::get(&api.database, api.scope.organization).await?;
    found.map(Organization).ok_or(ApiError::Internal)
}

/// Queries about the organization.
#[derive(Default)]
pub struct OrganizationQuery;

#[Object]
impl OrganizationQuery {
    /// The organization that this call acts in: that of the header `Guichet-Organization`, else the token's own.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization, ApiError> {
        current(ctx).await
    }
}

/// What to change of the organization; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateOrganizationInput {
    /// The version that the change is based on; `CONFLICT` when it is no longer that.
    version: i32,
    /// The name, 1 to 200 characters.
    display_name: Option<String>,
    /// How long after its first completion an access request can be reprocessed, from 1 hour to 366 days.
    /// It holds at once for all requests, also for those that were completed before.
    reprocess_window: Option<Duration>,
    /// The hour of the day, 0 to 23, at which owners get their digest of what waits. A day that has had its digest
    /// gets no second one.
    digest_hour: Option<i32>,
    /// The time zone of that hour, by its name in the IANA time zone database, for example `Europe/Paris`.
    digest_time_zone: Option<String>,
    /// After how long a guest who holds no assignment and has asked for none is blocked, from 1 hour to 3,660 days.
    guest_block_after: Option<Duration>,
    /// After how long a guest who was blocked is removed, from 1 hour to 3,660 days.
    guest_remove_after: Option<Duration>,
    /// Whether people from outside may sign in by a one-time code that is mailed to them. To turn it on the server needs a
    /// mail server (`MAIL_NOT_CONFIGURED`). Turned off, the tokens of those who signed in that way are refused at once.
    email_sign_in: Option<bool>,
}

/// The end of `updateOrganization`.
#[derive(SimpleObject)]
pub struct UpdateOrganizationPayload {
    /// The organization as it is now; null when refused.
    organization: Option<Organization>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Changes of the organization.
#[derive(Default)]
pub struct OrganizationMutation;

#[Object]
impl OrganizationMutation {
    /// Changes the settings of the organization that this call acts in. Slug and domains are the operator's.
    #[graphql(directive = requires::apply(EditOrganization::PERMISSION.into()))]
    async fn update_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateOrganizationInput,
    ) -> Result<UpdateOrganizationPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditOrganization>().await?;
        let (id, user_errors) = api
            .run(domain::organization::update::Update {
                permit,
                version: input.version,
                display_name: input.display_name,
                reprocess_window: input.reprocess_window.map(|window| window.0),
                digest_hour: input.digest_hour,
                digest_time_zone: input.digest_time_zone,
                guest_block_after: input.guest_block_after.map(|after| after.0),
                guest_remove_after: input.guest_remove_after.map(|after| after.0),
                email_sign_in: input.email_sign_in,
                can_mail: api.environment.can_mail,
            })
            .await?;
        let organization = if id.is_some() { Some(current(ctx).await?) } else { None };
        Ok(UpdateOrganizationPayload { organization, user_errors })
    }
}
