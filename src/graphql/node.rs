//! Any object by its global id.

use std::sync::Arc;

use async_graphql::{Context, ID, Interface, Object};
use uuid::Uuid;

use super::access_package::AccessPackage;
use super::access_request::AccessRequest;
use super::access_token::AccessToken;
use super::api::Api;
use super::approval::Approval;
use super::assignment::Assignment;
use super::assignment_policy::AssignmentPolicy;
use super::audit_event::AuditEvent;
use super::bulk_operation::BulkOperation;
use super::catalog::{Catalog, CatalogRoleAssignment};
use super::connected_organization::ConnectedOrganization;
use super::connection::Selected;
use super::connector::Connector;
use super::delivery::Delivery;
use super::directory_group::DirectoryGroup;
use super::entitlement_grant::EntitlementGrant;
use super::error::ApiError;
use super::id::Kind;
use super::introspection_client::IntrospectionClient;
use super::notification::Notification;
use super::organization::Organization;
use super::remote_account::RemoteAccount;
use super::remote_system::RemoteSystem;
use super::repository::{Repository, RepositoryAccess};
use super::resource::{Resource, ResourceRole};
use super::signed_link::SignedLink;
use super::token_grant::TokenGrant;
use super::token_request::TokenRequest;
use super::user::User;
use super::webhook::{Webhook, WebhookDelivery};
use crate::store;

/// The most ids of one `nodes` call.
const MOST_NODES: usize = 100;

/// An object with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The global id."))]
pub enum Node {
    /// An access package.
    AccessPackage(AccessPackage),
    /// An access request.
    AccessRequest(AccessRequest),
    /// An access token.
    AccessToken(AccessToken),
    /// A stage of approval.
    Approval(Approval),
    /// An assignment.
    Assignment(Assignment),
    /// An assignment policy.
    AssignmentPolicy(AssignmentPolicy),
    /// An audit event.
    AuditEvent(AuditEvent),
    /// A bulk operation.
    BulkOperation(BulkOperation),
    /// A catalog.
    Catalog(Catalog),
    /// A role in a catalog.
    CatalogRoleAssignment(CatalogRoleAssignment),
    /// A connected organization.
    ConnectedOrganization(ConnectedOrganization),
    /// A connector.
    Connector(Connector),
    /// A delivery.
    Delivery(Delivery),
    /// A group kept inside Guichet.
    DirectoryGroup(DirectoryGroup),
    /// What Guichet gave a user at a remote system.
    EntitlementGrant(EntitlementGrant),
    /// A client that may ask about tokens.
    IntrospectionClient(IntrospectionClient),
    /// Something that you were told.
    Notification(Notification),
    /// An organization.
    Organization(Organization),
    /// The account that a user has at a remote system.
    RemoteAccount(RemoteAccount),
    /// A system at which people have accounts and access.
    RemoteSystem(RemoteSystem),
    /// A repository.
    Repository(Repository),
    /// What a member was given of a repository.
    RepositoryAccess(RepositoryAccess),
    /// A resource.
    Resource(Resource),
    /// A role of a resource.
    ResourceRole(ResourceRole),
    /// A share link with a secret.
    SignedLink(SignedLink),
    /// What the organization allows a token.
    TokenGrant(TokenGrant),
    /// What a token asks for.
    TokenRequest(TokenRequest),
    /// A user.
    User(User),
    /// An endpoint that is told of token requests.
    Webhook(Webhook),
    /// An event on its way to a webhook.
    WebhookDelivery(WebhookDelivery),
}

/// Finds the object of an id; none where there is none, or it is not visible.
async fn find(ctx: &Context<'_>, id: &str) -> Result<Option<Node>, ApiError> {
    let api = Api::of(ctx);
    let Some((kind, id)) = Kind::parse_any(id) else { return Ok(None) };
    let (database, ids) = (&api.database, &[id]);
    Ok(match kind {
        Kind::AccessPackage => {
            let include = super::access_package::include(&Selected::of_one(ctx));
            let found = store::access_package::find(database, api.visible(), ids, include).await?;
            found.into_iter().next().map(|row| Node::AccessPackage(AccessPackage::from(row)))
        }
        Kind::AccessRequest => {
            let include = super::access_request::include(&Selected::of_one(ctx));
            let found = store::access_request::find(database, api.visible(), ids, include).await?;
            found.into_iter().next().map(|row| Node::AccessRequest(AccessRequest(Arc::new(row))))
        }
        Kind::Approval => approval(api, ids).await?,
        Kind::Assignment => {
            let include = super::assignment::include(&Selected::of_one(ctx));
            let found = store::assignment::find(database, api.visible(), ids, include).await?;
            found.into_iter().next().map(|row| Node::Assignment(Assignment(Arc::new(row))))
        }
        Kind::AssignmentPolicy => {
            let found = store::assignment_policy::find(database, api.visible(), ids).await?;
            found.into_iter().next().map(|policy| Node::AssignmentPolicy(AssignmentPolicy(policy)))
        }
        Kind::AuditEvent => {
            let found = store::audit_event::find(database, &api.scope, ids).await?;
            found.into_iter().next().map(|event| Node::AuditEvent(AuditEvent(Arc::new(event))))
        }
        Kind::BulkOperation => {
            let found = store::bulk_operation::find(database, &api.scope, ids).await?;
            found.into_iter().next().map(|row| Node::BulkOperation(BulkOperation(Arc::new(row))))
        }
        Kind::Catalog => {
            let found = store::catalog::find(database, api.visible(), ids).await?;
            found.into_iter().next().map(|catalog| Node::Catalog(Catalog(Arc::new(catalog))))
        }
        Kind::CatalogRoleAssignment => catalog_role_assignment(api, ids).await?,
        Kind::ConnectedOrganization => connected_organization(api, ids).await?,
        Kind::Connector => {
            let found = store::connector::find(database, api.visible(), ids).await?;
            found.into_iter().next().map(|row| Node::Connector(Connector(Arc::new(row))))
        }
        Kind::Delivery => {
            let found = store::delivery::find(database, api.visible(), ids).await?;
            found.into_iter().next().map(|row| Node::Delivery(Delivery(row)))
        }
        Kind::DirectoryGroup => {
            let found = store::directory::find(database, &api.scope, ids).await?;
            found.into_iter().next().map(|row| Node::DirectoryGroup(DirectoryGroup(Arc::new(row))))
        }
        Kind::EntitlementGrant => entitlement_grant(api, ids).await?,
        Kind::IntrospectionClient => {
            let found = store::introspection_client::find(database, api.visible(), ids).await?;
            found.into_iter().next().map(|row| Node::IntrospectionClient(IntrospectionClient(Arc::new(row))))
        }
        Kind::Notification => {
            let found = store::notification::find(database, &api.scope, ids).await?;
            found.into_iter().next().map(|row| Node::Notification(Notification::from(row)))
        }
        Kind::Organization if id == api.scope.organization => {
            Some(Node::Organization(super::organization::current(ctx).await?))
        }
        Kind::Organization => None,
        Kind::RemoteAccount => remote_account(api, ids).await?,
        Kind::RemoteSystem => remote_system(api, ids).await?,
        Kind::Repository => {
            let found = store::repository::find(database, api.visible(), ids).await?;
            found.into_iter().next().map(|row| Node::Repository(Repository(Arc::new(row))))
        }
        Kind::RepositoryAccess => {
            let found = store::repository::find_access(database, api.visible(), ids).await?;
            found.into_iter().next().map(|row| Node::RepositoryAccess(RepositoryAccess(Arc::new(row))))
        }
        Kind::Resource => {
            let found = store::resource::find(database, api.visible(), ids).await?;
            found.into_iter().next().map(|row| Node::Resource(Resource(Arc::new(row))))
        }
        Kind::ResourceRole => {
            let found = store::resource::find_roles(database, api.visible(), ids).await?;
            found.first().map(|row| Node::ResourceRole(ResourceRole::from(row)))
        }
        Kind::AccessToken => access_token(api, ids).await?,
        Kind::SignedLink => signed_link(api, ids).await?,
        Kind::TokenGrant => token_grant(api, ids).await?,
        Kind::TokenRequest => token_request(api, ids).await?,
        Kind::User => {
            let found = store::user::find(database, api.visible(), ids).await?;
            found.into_iter().next().map(|user| Node::User(User(Arc::new(user))))
        }
        Kind::Webhook => webhook(api, ids).await?,
        Kind::WebhookDelivery => {
            let found = store::webhook_delivery::find(database, api.visible(), ids).await?;
            found.into_iter().next().map(|row| Node::WebhookDelivery(WebhookDelivery(Arc::new(row))))
        }
    })
}

/// The role in a catalog of an id.
async fn catalog_role_assignment(api: &Api, ids: &[Uuid]) -> Result<Option<Node>, ApiError> {
    let found = store::catalog::find_roles(&api.database, &api.scope, ids).await?;
    Ok(found.into_iter().next().map(|row| Node::CatalogRoleAssignment(CatalogRoleAssignment(Arc::new(row)))))
}

/// The stage of approval of an id.
async fn approval(api: &Api, ids: &[Uuid]) -> Result<Option<Node>, ApiError> {
    let found = store::approval::find(&api.database, api.visible(), ids).await?;
    Ok(found.into_iter().next().map(|row| Node::Approval(Approval(Arc::new(row)))))
}

/// The connected organization of an id.
async fn connected_organization(api: &Api, ids: &[Uuid]) -> Result<Option<Node>, ApiError> {
    let found = store::connected_organization::find(&api.database, api.visible(), ids).await?;
    Ok(found.into_iter().next().map(|row| Node::ConnectedOrganization(ConnectedOrganization(Arc::new(row)))))
}

/// Returns the grant of an id.
async fn entitlement_grant(api: &Api, ids: &[Uuid]) -> Result<Option<Node>, ApiError> {
    let found = store::grant_list::find(&api.database, api.visible(), ids).await?;
    Ok(found.into_iter().next().map(|row| Node::EntitlementGrant(EntitlementGrant(Arc::new(row)))))
}

/// Returns the account at a remote system of an id.
async fn remote_account(api: &Api, ids: &[Uuid]) -> Result<Option<Node>, ApiError> {
    let found = store::remote_account::find(&api.database, api.visible(), ids).await?;
    Ok(found.into_iter().next().map(|row| Node::RemoteAccount(RemoteAccount(Arc::new(row)))))
}

/// Returns the remote system of an id.
async fn remote_system(api: &Api, ids: &[Uuid]) -> Result<Option<Node>, ApiError> {
    let found = store::remote_system::find(&api.database, api.visible(), ids).await?;
    Ok(found.into_iter().next().map(|row| Node::RemoteSystem(RemoteSystem(Arc::new(row)))))
}

/// The webhook of an id.
async fn webhook(api: &Api, ids: &[Uuid]) -> Result<Option<Node>, ApiError> {
    let found = store::webhook::find(&api.database, api.visible(), ids).await?;
    Ok(found.into_iter().next().map(|row| Node::Webhook(Webhook(Arc::new(row)))))
}

/// The signed link of an id.
async fn signed_link(api: &Api, ids: &[Uuid]) -> Result<Option<Node>, ApiError> {
    let found = store::signed_link::find(&api.database, api.visible(), ids).await?;
    Ok(found.into_iter().next().map(|row| Node::SignedLink(SignedLink(Arc::new(row)))))
}

/// The access token of an id.
async fn access_token(api: &Api, ids: &[Uuid]) -> Result<Option<Node>, ApiError> {
    let found = store::access_token::find(&api.database, api.visible(), ids).await?;
    Ok(found.into_iter().next().map(|token| Node::AccessToken(AccessToken(Arc::new(token)))))
}

/// The token grant of an id.
async fn token_grant(api: &Api, ids: &[Uuid]) -> Result<Option<Node>, ApiError> {
    let include = store::token_grant::Include::ALL;
    let found = store::token_grant::find(&api.database, api.visible(), ids, include).await?;
    Ok(found.into_iter().next().map(|row| Node::TokenGrant(TokenGrant(Arc::new(row)))))
}

/// The token request of an id.
async fn token_request(api: &Api, ids: &[Uuid]) -> Result<Option<Node>, ApiError> {
    let include = store::token_request::Include::ALL;
    let found = store::token_request::find(&api.database, api.visible(), ids, include).await?;
    Ok(found.into_iter().next().map(|row| Node::TokenRequest(TokenRequest(Arc::new(row)))))
}

/// Queries by global id.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The object of a global id; null where there is none, or you may not see it.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id.")] id: ID,
    ) -> Result<Option<Node>, ApiError> {
        find(ctx, &id).await
    }

    /// The objects of up to 100 global ids, in the order given; null where there is none, or you may not see it.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ids, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>, ApiError> {
        if ids.len() > MOST_NODES {
            return Err(ApiError::BadUserInput(format!("`ids` must hold at most {MOST_NODES} ids.")));
        }
        let mut nodes = Vec::with_capacity(ids.len());
        for id in &ids {
            nodes.push(find(ctx, id).await?);
        }
        Ok(nodes)
    }
}
