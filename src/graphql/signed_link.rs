//! Signed links: share links with a secret, made, listed and revoked.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::signed_link;
use uuid::Uuid;

use super::access_package::AccessPackage;
use super::api::{Api, repeatable};
use super::connected_organization::ConnectedOrganization;
use super::connection::{Connection, Listed, Paging, Selected, Sorted};
use super::error::{ApiError, UserError};
use super::id::{GlobalId, Kind};
use super::loader::Nested;
use super::requires::requires;
use super::resolve::{Now, Plain};
use super::scalar::Url;
use super::text;
use super::user::User;
use crate::authz::Action as _;
use crate::authz::permission::action::EditSignedLink;
use crate::domain::link::Frontend;
use crate::domain::signed_link::{create, revoke};
use crate::domain::{Code, Rejection};
use crate::store::{self, Direction, Key, Position};

/// A share link with a secret: requests that are made with it are counted, it can end, be limited, be bound to a
/// connected organization, and be revoked. It admits nobody whom no policy admits; policies can require one. The link
/// itself was shown when it was made, and cannot be read.
#[derive(Clone)]
pub struct SignedLink(pub Arc<signed_link::Model>);

impl Listed for SignedLink {
    fn position(&self, _: &str) -> Position {
        Position { key: Key::Time(self.0.created_at), id: self.0.id }
    }
}

impl Plain for SignedLink {}

/// A share link with a secret: requests that are made with it are counted, it can end, be limited, be bound to a
/// connected organization, and be revoked. It admits nobody whom no policy admits; policies can require one. The link
/// itself was shown when it was made, and cannot be read.
#[Object]
impl SignedLink {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::SignedLink.id(self.0.id)
    }

    /// The package that it leads to.
    async fn access_package(&self, ctx: &Context<'_>) -> Result<Now<AccessPackage>, ApiError> {
        let row = Api::of(ctx).loaders.packages().get(self.0.access_package_id).await?;
        Ok(Now(AccessPackage::from(row.as_ref().clone())))
    }

    /// What it is for, as whoever made it said.
    async fn label(&self) -> &str {
        &self.0.label
    }

    /// The connected organization whose people alone may use it; null: everybody whom a policy admits.
    async fn connected_organization(
        &self,
        ctx: &Context<'_>,
    ) -> Result<Option<Now<ConnectedOrganization>>, ApiError> {
        let Some(id) = self.0.connected_organization_id else { return Ok(None) };
        let found = Api::of(ctx).loaders.connected_organizations().find(id).await?;
        Ok(found.map(|found| Now(ConnectedOrganization(found))))
    }

    /// When it ends: from then on nothing can be requested with it. Null: never.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }

    /// How many requests can be made with it; null: any number.
    async fn maximum_uses(&self) -> Option<i32> {
        self.0.maximum_uses
    }

    /// How many requests were made with it: accepted ones, also those that were cancelled or denied later.
    async fn uses(&self) -> i32 {
        self.0.uses
    }

    /// How often `shareLinkTarget` was asked with it by somebody who could have used it.
    async fn openings(&self) -> i64 {
        self.0.openings
    }

    /// Who made it.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let user = Api::of(ctx).loaders.users().find(self.0.created_by_id).await?;
        Ok(user.map(|user| Now(User(user))))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was revoked; null while it was not.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }

    /// Who revoked it; null while nobody did.
    async fn revoked_by(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        let Some(id) = self.0.revoked_by_id else { return Ok(None) };
        let user = Api::of(ctx).loaders.users().find(id).await?;
        Ok(user.map(|user| Now(User(user))))
    }
}

/// A page of the signed links of a package, newest first.
pub async fn of_package(
    ctx: &Context<'_>,
    package: Uuid,
    paging: Paging,
) -> Result<Connection<SignedLink>, ApiError> {
    let sorted = Sorted { by: "CREATED_AT", direction: Direction::Descending };
    let window = paging.window(sorted, &Selected::of(ctx))?;
    let page = Api::of(ctx).loaders.signed_links_of_package().get(Nested::new(package, window)).await?;
    Ok(Connection::nested(&page, sorted, SignedLink))
}

/// A new signed link.
#[derive(Debug, InputObject)]
pub struct CreateShareLinkInput {
    /// The package; it can have 500 signed links that are not revoked.
    access_package: ID,
    /// What it is for, 1 to 200 characters; shown to those who manage the package.
    label: String,
    /// When it ends, in the future; never where left out.
    expires_at: Option<DateTime<Utc>>,
    /// How many requests can be made with it, 1 to 100,000; any number where left out.
    maximum_uses: Option<i32>,
    /// The connected organization whose people alone may use it; everybody whom a policy admits where left out.
    connected_organization: Option<ID>,
    /// Makes the call safe to repeat for 24 hours: a second call with the same key and input makes no other link, but
    /// cannot show the secret again (`SECRET_ALREADY_SHOWN`).
    idempotency_key: Option<String>,
}

/// The end of `createShareLink`.
#[derive(SimpleObject)]
pub struct CreateShareLinkPayload {
    /// The new link; null when refused.
    signed_link: Option<SignedLink>,
    /// The link to hand out, with its secret, this once: Guichet keeps only a hash of it. Null when refused, and for
    /// a repeated call.
    url: Option<Url>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Which signed link to revoke.
#[derive(Debug, InputObject)]
pub struct RevokeShareLinkInput {
    /// The link.
    id: ID,
}

/// The end of `revokeShareLink`.
#[derive(SimpleObject)]
pub struct RevokeShareLinkPayload {
    /// The link that was revoked; null when refused.
    signed_link: Option<SignedLink>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// The link that a command has made or changed.
async fn changed(api: &Api, id: Option<Uuid>) -> Result<Option<SignedLink>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let found = store::signed_link::find(&api.database, api.named(), &[id]).await?;
    Ok(found.into_iter().next().map(|row| SignedLink(Arc::new(row))))
}

/// Changes of signed links.
#[derive(Default)]
pub struct SignedLinkMutation;

#[Object]
impl SignedLinkMutation {
    /// Makes a signed link to a package, and shows it, this once.
    #[graphql(directive = requires::apply(EditSignedLink::PERMISSION.into()))]
    async fn create_share_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link.")] input: CreateShareLinkInput,
    ) -> Result<CreateShareLinkPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditSignedLink>().await?;
        if input.expires_at.is_some_and(|time| !text::is_storable(time)) {
            return Err(ApiError::BadUserInput("`expiresAt` must lie in the years 1 to 9999.".to_owned()));
        }
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let command = create::Create {
            permit,
            access_package: Kind::AccessPackage.parse(&input.access_package),
            label: input.label,
            expires_at: input.expires_at,
            maximum_uses: input.maximum_uses,
            connected_organization: input
                .connected_organization
                .map(|id| Kind::ConnectedOrganization.parse(&id)),
            idempotency,
        };
        let (made, mut user_errors) = api.run(command).await?;
        let Some(made) = made else {
            return Ok(CreateShareLinkPayload { signed_link: None, url: None, user_errors });
        };
        let hint = api.loaders.hints().get(api.scope.organization).await?;
        let frontend = Frontend::new(&api.environment.public_url, &hint);
        let url = made.secret.map(|secret| Url(frontend.signed(made.access_package, &secret)));
        if url.is_none() {
            let message = "A link was made with this key, and was shown then. Revoke it and make another one if it \
                           is lost.";
            user_errors.push(Rejection::of("idempotencyKey", Code::SecretAlreadyShown, message).into());
        }
        Ok(CreateShareLinkPayload { signed_link: changed(api, Some(made.id)).await?, url, user_errors })
    }

    /// Revokes a signed link: from now on nothing can be requested with it. What was requested with it stays.
    #[graphql(directive = requires::apply(EditSignedLink::PERMISSION.into()))]
    async fn revoke_share_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link.")] input: RevokeShareLinkInput,
    ) -> Result<RevokeShareLinkPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditSignedLink>().await?;
        let command = revoke::Revoke { permit, id: Kind::SignedLink.parse(&input.id) };
        let (id, user_errors) = api.run(command).await?;
        Ok(RevokeShareLinkPayload { signed_link: changed(api, id).await?, user_errors })
    }
}
