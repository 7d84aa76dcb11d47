//! Connected organizations, what they are known by, and their sponsors.

pub mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject, Value};
use chrono::{DateTime, Utc};
use entity::app_user;
use entity::{connected_organization, identity_source};

use super::api::Api;
use super::connection::{Connection, Listed, OrderDirection, Paging, Selected, Sorted, given};
use super::error::ApiError;
use super::id::{GlobalId, Kind};
use super::requires::requires;
use super::resolve::{Plain, Rows, scalar};
use super::user::User;
use crate::authz::Permission;
use crate::store::{self, Key, Position};

/// An organization whose people come from outside.
#[derive(Clone)]
pub struct ConnectedOrganization(pub Arc<connected_organization::Model>);

impl Listed for ConnectedOrganization {
    fn position(&self, by: &str) -> Position {
        let key = match by {
            "NAME" => Key::Text(self.0.name_key.clone()),
            _ => Key::Time(self.0.created_at),
        };
        Position { key, id: self.0.id }
    }
}

impl Plain for ConnectedOrganization {
    fn plain(&self, field: &str) -> Option<Value> {
        Some(match field {
            "id" => scalar(&Kind::ConnectedOrganization.id(self.0.id)),
            "displayName" => scalar(&self.0.display_name),
            "description" => scalar(&self.0.description),
            _ => return None,
        })
    }
}

/// An organization whose people come from outside, as guests. Who is of it is read from their verified token at each
/// call: by the tenant, else by the issuer, else by the domain of their verified address.
#[Object]
impl ConnectedOrganization {
    /// The global id.
    pub async fn id(&self) -> ID {
        Kind::ConnectedOrganization.id(self.0.id)
    }

    /// The name, unique among the organization's connected organizations.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// What it is.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// How far it has come: `ALL_CONNECTED_ORGANIZATIONS` means the configured ones.
    async fn state(&self) -> ConnectedOrganizationState {
        self.0.state.into()
    }

    /// What its people are known by, in the order given. Empty for those without the permission.
    #[graphql(directive = requires::apply(Permission::SeeConnectedOrganizations.into()))]
    async fn identity_sources(&self, ctx: &Context<'_>) -> Result<Vec<IdentitySource>, ApiError> {
        let api = Api::of(ctx);
        if !api.scope.connected_organizations {
            return Ok(Vec::new());
        }
        let sources = api.loaders.sources_of_connected_organization().find(self.0.id).await?;
        Ok(sources.iter().flat_map(|sources| sources.iter()).map(IdentitySource::from).collect())
    }

    /// The members of this organization who stand for it, by name. They decide stages whose approvers are the
    /// sponsors. Empty for those without the permission.
    #[graphql(directive = requires::apply(Permission::SeeConnectedOrganizations.into()))]
    async fn internal_sponsors(&self, ctx: &Context<'_>) -> Result<Rows<User>, ApiError> {
        self.sponsors(ctx, app_user::UserKind::Member).await
    }

    /// The guests from there who stand for it, by name. They decide stages whose approvers are the sponsors. Empty
    /// for those without the permission.
    #[graphql(directive = requires::apply(Permission::SeeConnectedOrganizations.into()))]
    async fn external_sponsors(&self, ctx: &Context<'_>) -> Result<Rows<User>, ApiError> {
        self.sponsors(ctx, app_user::UserKind::Guest).await
    }

    /// When somebody's first request made it; null where it was entered.
    async fn proposed_at(&self) -> Option<DateTime<Utc>> {
        self.0.proposed_at
    }

    /// Whether you may change and delete it.
    async fn viewer_can_edit(&self, ctx: &Context<'_>) -> bool {
        self.0.deleted_at.is_none() && Api::of(ctx).viewer.holds(Permission::ManageConnectedOrganizations)
    }

    /// Raised by every change; give it back when changing the object.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was entered or proposed.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was deleted; null while it is there. History still shows it.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }
}

impl ConnectedOrganization {
    async fn sponsors(&self, ctx: &Context<'_>, kind: app_user::UserKind) -> Result<Rows<User>, ApiError> {
        let api = Api::of(ctx);
        if !api.scope.connected_organizations {
            return Ok(Rows(Vec::new()));
        }
        let sponsors = api.loaders.sponsors_of_connected_organization().find(self.0.id).await?;
        let sponsors = sponsors.iter().flat_map(|sponsors| sponsors.iter());
        Ok(Rows(sponsors.filter(|user| user.kind == kind).map(|user| User(Arc::clone(user))).collect()))
    }
}

/// How far a connected organization has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::connected_organization::ConnectedOrganizationState")]
pub enum ConnectedOrganizationState {
    /// Somebody who may has said that it is connected.
    Configured,
    /// The first request of somebody whose organization was unknown has made it. Policies can name it; those for all
    /// connected organizations do not mean it.
    Proposed,
}

/// How somebody is known to be of a connected organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::identity_source::IdentityKind")]
pub enum IdentitySourceKind {
    /// Everybody whom an issuer vouches for, but for those of tenants that others are known by.
    Issuer,
    /// Those of a tenant of an issuer.
    Tenant,
    /// Those with a verified e-mail address of a domain.
    Domain,
}

/// What the people of a connected organization are known by.
#[derive(SimpleObject)]
pub struct IdentitySource {
    /// In which way.
    kind: IdentitySourceKind,
    /// For `ISSUER` and `TENANT`: the `iss` of their tokens.
    issuer: Option<String>,
    /// For `TENANT`: the claim that names the tenant.
    claim: Option<String>,
    /// For `TENANT`: the value of that claim.
    value: Option<String>,
    /// For `DOMAIN`: the domain of their addresses, in lower case and Punycode. Compared whole: no other domain is
    /// meant by it.
    domain: Option<String>,
    /// For `DOMAIN`: the issuers that may vouch for an address of it; empty otherwise.
    issuers: Vec<String>,
}

impl From<&identity_source::Model> for IdentitySource {
    fn from(source: &identity_source::Model) -> Self {
        let (is_tenant, is_domain) = (
            source.kind == identity_source::IdentityKind::Tenant,
            source.kind == identity_source::IdentityKind::Domain,
        );
        let vouchers = source.vouchers.as_ref().and_then(|vouchers| vouchers.as_array());
        let vouchers = vouchers.into_iter().flatten().filter_map(|one| one.as_str());
        Self {
            kind: source.kind.into(),
            issuer: (!is_domain).then(|| source.issuer.clone()),
            claim: is_tenant.then(|| source.claim.clone()),
            value: is_tenant.then(|| source.value.clone()),
            domain: is_domain.then(|| source.value.clone()),
            issuers: vouchers.map(str::to_owned).collect(),
        }
    }
}

/// Which connected organizations are wanted. All given conditions hold together; a condition that is null is an error.
#[derive(Clone, Default, InputObject)]
pub struct ConnectedOrganizationFilter {
    /// In these states.
    state: MaybeUndefined<Vec<ConnectedOrganizationState>>,
    /// Known by one of these domains, in any case and form.
    domain: MaybeUndefined<Vec<String>>,
    /// Known by one of these issuers, as a whole or by a tenant, or by a domain for which one of them may vouch.
    issuer: MaybeUndefined<Vec<String>>,
    /// With one of these sponsors.
    sponsor: MaybeUndefined<Vec<ID>>,
    /// With this text in the name, in any case.
    search: MaybeUndefined<String>,
}

/// What a list of connected organizations is sorted by; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ConnectedOrganizationOrderField {
    /// The name.
    Name,
    /// The time they were entered or proposed.
    CreatedAt,
}

/// The order of a list of connected organizations.
#[derive(Clone, Copy, InputObject)]
pub struct ConnectedOrganizationOrder {
    /// What it is sorted by.
    field: ConnectedOrganizationOrderField,
    /// Which way.
    direction: OrderDirection,
}

/// Queries about connected organizations.
#[derive(Default)]
pub struct ConnectedOrganizationQuery;

#[Object]
impl ConnectedOrganizationQuery {
    /// The connected organizations. Without the permission: none.
    #[graphql(directive = requires::apply(Permission::SeeConnectedOrganizations.into()))]
    async fn connected_organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which connected organizations.")] filter: Option<ConnectedOrganizationFilter>,
        #[graphql(
            desc = "In which order.",
            default_with = "ConnectedOrganizationOrder { field: ConnectedOrganizationOrderField::Name, direction: OrderDirection::Asc }"
        )]
        order_by: ConnectedOrganizationOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ConnectedOrganization>, ApiError> {
        let filter = filter.unwrap_or_default();
        let api = Api::of(ctx);
        let (by, order) = match order_by.field {
            ConnectedOrganizationOrderField::Name => ("NAME", store::connected_organization::Order::Name),
            ConnectedOrganizationOrderField::CreatedAt => {
                ("CREATED_AT", store::connected_organization::Order::CreatedAt)
            }
        };
        let sorted = Sorted { by, direction: order_by.direction.into() };
        let window = Paging { first, after, last, before }.window(sorted, &Selected::of(ctx))?;
        let domains = super::text::conditions("domain", &filter.domain)?;
        let filter = store::connected_organization::Filter {
            states: given("state", &filter.state)?.map(|states| states.into_iter().map(Into::into).collect()),
            domains: domains.map(|domains| {
                domains.iter().filter_map(|domain| crate::domain_name::canonical(domain)).collect()
            }),
            issuers: super::text::conditions("issuer", &filter.issuer)?,
            sponsors: given("sponsor", &filter.sponsor)?.map(|ids| Kind::User.parse_all(&ids)),
            search: super::text::condition("search", &filter.search)?,
        };
        let page = store::connected_organization::list(&api.database, api.visible(), &filter, order, &window)
            .await?;
        Ok(Connection::new(page, sorted, |row| ConnectedOrganization(Arc::new(row))))
    }
}
