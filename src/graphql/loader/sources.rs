//! What can be loaded, each with the statement that reads it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use entity::{
    access_package, access_request_event, access_token, app_user, approval, assignment_policy,
    bulk_operation, bulk_operation_item, catalog, connected_organization, connector, connector_opening,
    delivery_attempt, directory_group, entitlement_grant, identity_source, organization, organization_access,
    remote_account, remote_system, repository, resource, signed_link, token_request_event,
    token_request_permission, token_request_repository, webhook, webhook_attempt, webhook_delivery,
};
use uuid::Uuid;

use super::pages::{
    AssignmentsAsked, EventsAsked, GrantsAsked, ItemsAsked, Nested, PackagesAsked, PageOf, RequestsAsked,
    by_asked, tied,
};
use super::{Load, Source};
use crate::authz::Scope;
use crate::store::{self, Access, Columns, Database, StoreError, Window};

/// Reads the pages of all keys, in as few reads as there are different things asked.
macro_rules! pages {
    ($keys:ident, |$parents:ident, $asked:pat_param| $read:expr) => {{
        let mut found = HashMap::with_capacity($keys.len());
        for (asked, parents) in by_asked($keys) {
            let ($parents, $asked) = (parents.as_slice(), asked.as_ref());
            found.extend(tied(&asked, $read?));
        }
        Ok(found)
    }};
}

macro_rules! sources {
    ($($(#[$doc:meta])* $field:ident: $name:ident($key:ty) -> $value:ty = |$database:ident, $scope:ident, $keys:ident| $read:expr;)*) => {
        $(
            $(#[$doc])*
            pub struct $name;
            impl Source for $name {
                type Key = $key;
                type Value = $value;
                async fn read($database: &Database, $scope: &Scope, $keys: &[$key]) -> Result<HashMap<$key, $value>, StoreError> {
                    $read
                }
            }
        )*

        /// The loaders of one operation, each made when it is first wanted.
        pub struct Loaders {
            database: Database,
            scope: Arc<Scope>,
            $($field: OnceLock<Load<$name>>,)*
        }

        impl Loaders {
            /// A fresh set.
            #[must_use]
            pub fn new(database: Database, scope: Arc<Scope>) -> Self {
                Self { database, scope, $($field: OnceLock::new(),)* }
            }

            $(
                $(#[$doc])*
                pub fn $field(&self) -> &Load<$name> {
                    self.$field.get_or_init(|| Load::new(&self.database, &self.scope))
                }
            )*
        }
    };
}

fn by_id<T>(rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> HashMap<Uuid, T> {
    rows.into_iter().map(|row| (id(&row), row)).collect()
}

fn by_owner<T>(rows: impl IntoIterator<Item = (Uuid, T)>) -> HashMap<Uuid, Vec<T>> {
    let mut groups: HashMap<Uuid, Vec<T>> = HashMap::new();
    for (owner, row) in rows {
        groups.entry(owner).or_default().push(row);
    }
    groups
}

sources! {
    /// Users that visible objects name.
    users: Users(Uuid) -> app_user::Model = |database, scope, ids| {
        Ok(by_id(store::user::find(database, Access::Named(scope.organization), ids).await?, |row| row.id))
    };
    /// Users that the viewer may see.
    visible_users: VisibleUsers(Uuid) -> app_user::Model = |database, scope, ids| {
        Ok(by_id(store::user::find(database, Access::Visible(scope), ids).await?, |row| row.id))
    };
    /// Catalogs that visible objects name.
    catalogs: CatalogsById(Uuid) -> catalog::Model = |database, scope, ids| {
        Ok(by_id(store::catalog::find(database, Access::Named(scope.organization), ids).await?, |row| row.id))
    };
    /// Connectors that the viewer may see.
    connectors: Connectors(Uuid) -> connector::Model = |database, scope, ids| {
        Ok(by_id(store::connector::find(database, Access::Visible(scope), ids).await?, |row| row.id))
    };
    /// What connectors are opened to.
    openings: Openings(Uuid) -> Vec<connector_opening::Model> = |database, _scope, ids| {
        let rows = store::connector::openings(database, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.connector_id, row))))
    };
    /// Resources that visible objects name.
    resources: Resources(Uuid) -> resource::Model = |database, scope, ids| {
        Ok(by_id(store::resource::find(database, Access::Named(scope.organization), ids).await?, |row| row.id))
    };
    /// The roles of resources.
    roles_of_resource: RolesOfResource(Uuid) -> Vec<store::resource::RoleRow> = |database, _scope, ids| {
        let rows = store::resource::roles_of(database, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.resource.id, row))))
    };
    /// The roles that packages give.
    roles_of_package: RolesOfPackage(Uuid) -> Vec<store::resource::RoleRow> = |database, _scope, ids| {
        Ok(by_owner(store::resource::roles_in_packages(database, ids).await?))
    };
    /// Packages that visible objects name.
    packages: Packages(Uuid) -> store::access_package::Row = |database, scope, ids| {
        let include = store::access_package::Include::default();
        let rows = store::access_package::find(database, Access::Named(scope.organization), ids, include).await?;
        Ok(by_id(rows, |row| row.package.id))
    };
    /// The policies of packages that the viewer may see.
    policies_of_package: PoliciesOfPackage(Uuid) -> Vec<Arc<assignment_policy::Model>> = |database, scope, ids| {
        let rows = store::assignment_policy::of_packages(database, scope, ids, Columns::ALL).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.access_package_id, row))))
    };
    /// Policies that visible objects name.
    policies: Policies(Uuid) -> assignment_policy::Model = |database, scope, ids| {
        let rows = store::assignment_policy::find(database, Access::Named(scope.organization), ids).await?;
        Ok(by_id(rows.into_iter().map(Arc::unwrap_or_clone).collect(), |row| row.id))
    };
    /// The users that policies name.
    users_of_policy: UsersOfPolicy(Uuid) -> Vec<Arc<app_user::Model>> = |database, _scope, ids| {
        Ok(by_owner(store::assignment_policy::named_users(database, ids).await?))
    };
    /// The approval stages of policies.
    stages_of_policy: StagesOfPolicy(Uuid) -> Vec<store::assignment_policy::StageRow> = |database, _scope, ids| {
        let rows = store::assignment_policy::stages(database, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.stage.policy_id, row))))
    };
    /// Connected organizations that visible objects name.
    connected_organizations: ConnectedOrganizations(Uuid) -> connected_organization::Model = |database, scope, ids| {
        let rows = store::connected_organization::find(database, Access::Named(scope.organization), ids).await?;
        Ok(by_id(rows, |row| row.id))
    };
    /// What connected organizations are known by.
    sources_of_connected_organization: SourcesOfConnectedOrganization(Uuid) -> Vec<identity_source::Model> = |database, _scope, ids| {
        let rows = store::connected_organization::sources_of(database, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.connected_organization_id, row))))
    };
    /// The sponsors of connected organizations.
    sponsors_of_connected_organization: SponsorsOfConnectedOrganization(Uuid) -> Vec<Arc<app_user::Model>> = |database, _scope, ids| {
        store::connected_organization::sponsors(database, ids).await
    };
    /// The connected organizations that policies name.
    connected_organizations_of_policy: ConnectedOrganizationsOfPolicy(Uuid) -> Vec<Arc<connected_organization::Model>> = |database, _scope, ids| {
        Ok(by_owner(store::connected_organization::of_policies(database, ids).await?))
    };
    /// Requests that the viewer may see.
    requests: Requests(Uuid) -> store::access_request::Row = |database, scope, ids| {
        let include = store::access_request::Include::default();
        let rows = store::access_request::find(database, Access::Visible(scope), ids, include).await?;
        Ok(by_id(rows, |row| row.request.id))
    };
    /// Requests that visible objects name, with what their affordances depend on.
    judged_requests: JudgedRequests(Uuid) -> store::access_request::Row = |database, scope, ids| {
        let include = store::access_request::Include {
            requestor: Columns::ALL, package: Columns::ALL, assignment: true,
            deliveries: Some(store::delivery::Include::ALL),
            ..store::access_request::Include::default()
        };
        let rows = store::access_request::find(database, Access::Named(scope.organization), ids, include).await?;
        Ok(by_id(rows, |row| row.request.id))
    };
    /// The deliveries of requests.
    deliveries: Deliveries(Uuid) -> Vec<Arc<store::delivery::Row>> = |database, _scope, ids| {
        let rows = store::delivery::of_requests(database, ids, store::delivery::Include::ALL).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.delivery.request_id, row))))
    };
    /// Deliveries that the viewer may see.
    visible_deliveries: VisibleDeliveries(Uuid) -> Arc<store::delivery::Row> = |database, scope, ids| {
        let rows = store::delivery::find(database, Access::Visible(scope), ids).await?;
        Ok(by_id(rows, |row| row.delivery.id))
    };
    /// Bulk operations that the viewer may see.
    bulk_operations: BulkOperations(Uuid) -> bulk_operation::Model = |database, scope, ids| {
        Ok(by_id(store::bulk_operation::find(database, scope, ids).await?, |row| row.id))
    };
    /// The organizations that calls act in.
    organizations: Organizations(Uuid) -> organization::Model = |database, _scope, ids| {
        let mut found = HashMap::new();
        for id in ids {
            found.extend(store::organization::get(database, *id).await?.map(|row| (*id, row)));
        }
        Ok(found)
    };
    /// What organizations are called in links: their first domain, else their slug.
    hints: Hints(Uuid) -> String = |database, _scope, ids| {
        let mut found = HashMap::new();
        for id in ids {
            found.extend(store::organization::hint(database, *id).await?.map(|hint| (*id, hint)));
        }
        Ok(found)
    };
    /// What organizations are called: their slug and their domains, in small letters.
    names: OrganizationNames(Uuid) -> HashSet<String> = |database, _scope, ids| {
        let mut found = HashMap::new();
        for id in ids {
            let slug = store::organization::get(database, *id).await?.map(|row| row.slug);
            let domains = store::organization::domains(database, *id).await?;
            found.insert(*id, slug.into_iter().chain(domains).map(|name| name.to_lowercase()).collect());
        }
        Ok(found)
    };
    /// What the share links of packages are good for, where people from outside sign in by these issuers.
    share_links: ShareLinks(Nested<Vec<String>>) -> store::share_link::Facts = |database, scope, keys| {
        let mut found = HashMap::with_capacity(keys.len());
        for (issuers, packages) in by_asked(keys) {
            let rows = store::share_link::facts(database, scope.organization, &packages, &issuers).await?;
            found.extend(rows.into_iter().map(|row| (Nested::of(row.package, &issuers), row)));
        }
        Ok(found)
    };
    /// Signed links that the viewer may see.
    signed_links: SignedLinks(Uuid) -> signed_link::Model = |database, scope, ids| {
        Ok(by_id(store::signed_link::find(database, Access::Visible(scope), ids).await?, |row| row.id))
    };
    /// Pages of the signed links of packages.
    signed_links_of_package: SignedLinksOfPackage(Nested<Window>) -> PageOf<signed_link::Model> = |database, scope, keys| {
        pages!(keys, |packages, window| store::signed_link::of_packages(database, scope, packages, window).await)
    };
    /// What stands against requests of the viewer for packages.
    requestability: PackageRequestability(Uuid) -> store::access_request::Requestability = |database, scope, ids| {
        Ok(by_id(store::access_request::requestability(database, scope, ids).await?, |row| row.package))
    };
    /// What the extension of assignments depends on.
    extensible: ExtensibleAssignments(Uuid) -> store::assignment::Extensible = |database, _scope, ids| {
        store::assignment::extensible(database, ids).await
    };
    /// The packages that exclude packages, of those that the viewer may see.
    incompatible: IncompatiblePackages(Uuid) -> Vec<Arc<access_package::Model>> = |database, scope, ids| {
        store::incompatible::of_packages(database, Access::Visible(scope), ids).await
    };
    /// The packages that packages exclude, of those that the viewer may see.
    excluding: ExcludedPackages(Uuid) -> Vec<Arc<access_package::Model>> = |database, scope, ids| {
        store::incompatible::excluding(database, Access::Visible(scope), ids).await
    };
    /// The stages of approval of requests.
    approvals: Approvals(Uuid) -> Vec<Arc<approval::Model>> = |database, _scope, ids| {
        let rows = store::approval::of_requests(database, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.request_id, Arc::new(row)))))
    };
    /// Stages of approval that the viewer may see.
    approvals_by_id: ApprovalsById(Uuid) -> approval::Model = |database, scope, ids| {
        Ok(by_id(store::approval::find(database, Access::Visible(scope), ids).await?, |row| row.id))
    };
    /// Who may decide stages of approval.
    approvers: Approvers(Uuid) -> Vec<Arc<app_user::Model>> = |database, _scope, ids| {
        store::approval::approvers(database, ids).await
    };
    /// How the viewer stands to the approval of requests.
    standings: Standings(Uuid) -> store::approval::Standing = |database, scope, ids| {
        store::approval::standings(database, scope.user, ids).await
    };
    /// Access tokens that visible objects name.
    access_tokens: AccessTokens(Uuid) -> access_token::Model = |database, scope, ids| {
        Ok(by_id(store::access_token::find(database, Access::Named(scope.organization), ids).await?, |row| row.id))
    };
    /// The scopes of classic tokens.
    scopes_of_token: ScopesOfToken(Uuid) -> Vec<String> = |database, _scope, ids| {
        store::access_token::scopes(database, ids).await
    };
    /// Token requests that the viewer may see.
    token_requests: TokenRequests(Uuid) -> store::token_request::Row = |database, scope, ids| {
        let include = store::token_request::Include::default();
        let rows = store::token_request::find(database, Access::Visible(scope), ids, include).await?;
        Ok(by_id(rows, |row| row.request.id))
    };
    /// Token requests that visible objects name.
    named_token_requests: NamedTokenRequests(Uuid) -> store::token_request::Row = |database, scope, ids| {
        let include = store::token_request::Include::default();
        let rows = store::token_request::find(database, Access::Named(scope.organization), ids, include).await?;
        Ok(by_id(rows, |row| row.request.id))
    };
    /// The latest request of tokens.
    requests_of_token: RequestsOfToken(Uuid) -> store::token_request::Row = |database, scope, ids| {
        let rows = store::token_request::latest(database, scope.organization, ids).await?;
        let row = |request| store::token_request::Row { request, token: None, owner: None };
        Ok(by_id(rows.into_iter().map(row).collect(), |row| row.request.token_id))
    };
    /// The permissions that token requests ask for.
    permissions_of_request: PermissionsOfRequest(Uuid) -> Vec<token_request_permission::Model> = |database, _scope, ids| {
        let rows = store::token_request::permissions(database, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.request_id, row))))
    };
    /// The repositories that token requests name.
    repositories_of_request: RepositoriesOfRequest(Uuid) -> Vec<token_request_repository::Model> = |database, _scope, ids| {
        let rows = store::token_request::repositories(database, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.request_id, row))))
    };
    /// The repositories that token requests name, as rows.
    named_repositories: NamedRepositories(Nested<Columns>) -> Vec<Arc<repository::Model>> = |database, _scope, keys| {
        let mut found = HashMap::with_capacity(keys.len());
        for (columns, requests) in by_asked(keys) {
            let rows = store::token_request::named_repositories(database, &requests, *columns).await?;
            found.extend(rows.into_iter().map(|(request, rows)| (Nested::of(request, &columns), rows)));
        }
        Ok(found)
    };
    /// Token grants that the viewer may see.
    token_grants: TokenGrants(Uuid) -> store::token_grant::Row = |database, scope, ids| {
        let include = store::token_grant::Include::default();
        let rows = store::token_grant::find(database, Access::Visible(scope), ids, include).await?;
        Ok(by_id(rows, |row| row.grant.id))
    };
    /// The grants in force of tokens.
    grants_of_token: GrantsOfToken(Uuid) -> store::token_grant::Row = |database, scope, ids| {
        let rows = store::token_grant::active(database, scope.organization, ids).await?;
        let row = |grant| store::token_grant::Row { grant, token: None, owner: None };
        Ok(by_id(rows.into_iter().map(row).collect(), |row| row.grant.token_id))
    };
    /// The grants of token requests.
    grants_of_request: GrantsOfRequest(Uuid) -> store::token_grant::Row = |database, _scope, ids| {
        let rows = store::token_grant::of_requests(database, ids).await?;
        let row = |grant| store::token_grant::Row { grant, token: None, owner: None };
        Ok(by_id(rows.into_iter().map(row).collect(), |row| row.grant.request_id))
    };
    /// Pages of the history of token requests.
    token_history: TokenHistory(Nested<Window>) -> PageOf<token_request_event::Model> = |database, _scope, keys| {
        pages!(keys, |requests, window| store::token_request::history(database, requests, window).await)
    };
    /// Assignments that visible objects name.
    assignments: Assignments(Uuid) -> store::assignment::Row = |database, scope, ids| {
        let include = store::assignment::Include::default();
        let rows = store::assignment::find(database, Access::Named(scope.organization), ids, include).await?;
        Ok(by_id(rows, |row| row.assignment.id))
    };
    /// Assignments that the viewer may see.
    visible_assignments: VisibleAssignments(Uuid) -> store::assignment::Row = |database, scope, ids| {
        let include = store::assignment::Include::default();
        let rows = store::assignment::find(database, Access::Visible(scope), ids, include).await?;
        Ok(by_id(rows, |row| row.assignment.id))
    };
    /// What operations found at assignments that the viewer may see: by operation and assignment.
    checks: Checks((Uuid, Uuid)) -> Vec<Arc<store::delivery::Row>> = |database, scope, pairs| {
        let rows = store::delivery::checks(database, Access::Visible(scope), pairs).await?;
        let mut found: HashMap<(Uuid, Uuid), Vec<Arc<store::delivery::Row>>> = HashMap::new();
        for row in rows {
            if let Some(operation) = row.delivery.bulk_operation_id {
                found.entry((operation, row.delivery.assignment_id)).or_default().push(row);
            }
        }
        Ok(found)
    };
    /// What was found last at assignments.
    last_checks: LastChecks(Uuid) -> Vec<Arc<store::delivery::Row>> = |database, _scope, ids| {
        let rows = store::delivery::last_checks(database, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.delivery.assignment_id, row))))
    };
    /// Pages of the history of requests.
    history: History(Nested<Window>) -> PageOf<access_request_event::Model> = |database, _scope, keys| {
        pages!(keys, |requests, window| store::access_request::history(database, requests, window).await)
    };
    /// Pages of the attempts of deliveries.
    attempts: Attempts(Nested<Window>) -> PageOf<delivery_attempt::Model> = |database, _scope, keys| {
        pages!(keys, |deliveries, window| store::delivery::attempts(database, deliveries, window).await)
    };
    /// Pages of the items of bulk operations.
    items: Items(Nested<ItemsAsked>) -> PageOf<bulk_operation_item::Model> = |database, _scope, keys| {
        pages!(keys, |operations, (outcomes, window)| store::bulk_operation::items(database, operations, outcomes.as_deref(), window).await)
    };
    /// Pages of the requests for packages.
    requests_of_package: RequestsOfPackage(Nested<RequestsAsked>) -> PageOf<store::access_request::Row> = |database, scope, keys| {
        pages!(keys, |packages, (filter, include, window)| store::access_request::of_packages(database, scope, packages, filter, *include, window).await)
    };
    /// Pages of the assignments of packages.
    assignments_of_package: AssignmentsOfPackage(Nested<AssignmentsAsked>) -> PageOf<store::assignment::Row> = |database, scope, keys| {
        pages!(keys, |packages, (filter, include, window)| store::assignment::of_packages(database, scope, packages, filter, *include, window).await)
    };
    /// Pages of the packages of catalogs.
    packages_of_catalog: PackagesOfCatalog(Nested<PackagesAsked>) -> PageOf<store::access_package::Row> = |database, scope, keys| {
        pages!(keys, |catalogs, (include, order, window)| store::access_package::in_catalogs(database, scope, catalogs, *include, *order, window).await)
    };
    /// Pages of the resources of catalogs.
    resources_of_catalog: ResourcesOfCatalog(Nested<Window>) -> PageOf<resource::Model> = |database, scope, keys| {
        pages!(keys, |catalogs, window| store::resource::in_catalogs(database, scope, catalogs, window).await)
    };
    /// Pages of the roles that are assigned in catalogs.
    roles_of_catalog: RolesOfCatalog(Nested<Window>) -> PageOf<store::catalog::RoleRow> = |database, scope, keys| {
        pages!(keys, |catalogs, window| store::catalog::roles_in(database, scope, catalogs, window).await)
    };
    /// Pages of the catalog roles that users hold.
    roles_of_user: RolesOfUser(Nested<Window>) -> PageOf<store::catalog::RoleRow> = |database, scope, keys| {
        pages!(keys, |users, window| store::catalog::roles_of(database, scope, users, window).await)
    };
    /// Pages of the groups of connectors.
    groups_of_connector: GroupsOfConnector(Nested<Window>) -> PageOf<directory_group::Model> = |database, scope, keys| {
        pages!(keys, |connectors, window| store::directory::groups(database, scope, connectors, window).await)
    };
    /// Remote systems that the viewer may see.
    remote_systems: RemoteSystems(Uuid) -> remote_system::Model = |database, scope, ids| {
        Ok(by_id(store::remote_system::find(database, Access::Visible(scope), ids).await?, |row| row.id))
    };
    /// The connectors that lead to remote systems.
    connectors_of_system: ConnectorsOfSystem(Uuid) -> Vec<Arc<connector::Model>> = |database, _scope, ids| {
        let rows = store::remote_system::connectors(database, ids).await?;
        Ok(by_owner(rows.into_iter().filter_map(|row| Some((row.remote_system_id?, Arc::new(row))))))
    };
    /// Accounts at remote systems that the viewer may see.
    remote_accounts: RemoteAccounts(Uuid) -> remote_account::Model = |database, scope, ids| {
        Ok(by_id(store::remote_account::find(database, Access::Visible(scope), ids).await?, |row| row.id))
    };
    /// Pages of the accounts at remote systems.
    accounts_of_system: AccountsOfSystem(Nested<Window>) -> PageOf<remote_account::Model> = |database, scope, keys| {
        pages!(keys, |systems, window| store::remote_account::of_systems(database, scope, systems, window).await)
    };
    /// Pages of the accounts of users.
    accounts_of_user: AccountsOfUser(Nested<Window>) -> PageOf<remote_account::Model> = |database, scope, keys| {
        pages!(keys, |users, window| store::remote_account::of_users(database, scope, users, window).await)
    };
    /// Pages of the grants of users.
    grants_of_user: GrantsOfUser(Nested<GrantsAsked>) -> PageOf<entitlement_grant::Model> = |database, scope, keys| {
        pages!(keys, |users, (states, window)| store::grant_list::of_users(database, scope, users, states, window).await)
    };
    /// Pages of the grants at the targets of resources.
    grants_of_resource: GrantsOfResource(Nested<GrantsAsked>) -> PageOf<entitlement_grant::Model> = |database, scope, keys| {
        pages!(keys, |resources, (states, window)| store::grant_list::of_resources(database, scope, resources, states, window).await)
    };
    /// The assignments that want grants now and that the viewer may see.
    assignments_of_grant: AssignmentsOfGrant(Uuid) -> Vec<Arc<store::assignment::Row>> = |database, scope, ids| {
        let rows = store::assignment::wanting(database, Access::Visible(scope), ids).await?;
        Ok(by_owner(rows.into_iter().map(|(grant, row)| (grant, Arc::new(row)))))
    };
    /// Repositories that visible objects name.
    repositories: Repositories(Uuid) -> repository::Model = |database, scope, ids| {
        Ok(by_id(store::repository::find(database, Access::Named(scope.organization), ids).await?, |row| row.id))
    };
    /// What the viewer was given that matters to repositories.
    own_access: OwnAccess(Uuid) -> store::repository::Given = |database, scope, ids| {
        let Some(user) = scope.user else { return Ok(HashMap::new()) };
        Ok(by_id(store::repository::given(database, scope.organization, user, ids).await?, |row| row.id))
    };
    /// What users were given in the organization itself.
    access_to_organization: AccessToOrganization(Uuid) -> organization_access::Model = |database, scope, ids| {
        Ok(by_id(store::repository::organization_access(database, scope.organization, ids).await?, |row| row.user_id))
    };
    /// Pages of who was given access to repositories.
    access_to_repository: AccessToRepository(Nested<Window>) -> PageOf<store::repository::AccessRow> = |database, scope, keys| {
        pages!(keys, |repositories, window| store::repository::access_to(database, scope, repositories, window).await)
    };
    /// Webhooks that visible objects name.
    webhooks: Webhooks(Uuid) -> webhook::Model = |database, scope, ids| {
        Ok(by_id(store::webhook::find(database, Access::Named(scope.organization), ids).await?, |row| row.id))
    };
    /// Pages of what goes to webhooks.
    events_of_webhook: EventsOfWebhook(Nested<EventsAsked>) -> PageOf<webhook_delivery::Model> = |database, _scope, keys| {
        pages!(keys, |webhooks, (states, window)| store::webhook_delivery::of_webhooks(database, webhooks, states.as_deref(), window).await)
    };
    /// Pages of the attempts to send events.
    attempts_of_event: AttemptsOfEvent(Nested<Window>) -> PageOf<webhook_attempt::Model> = |database, _scope, keys| {
        pages!(keys, |deliveries, window| store::webhook_delivery::attempts(database, deliveries, window).await)
    };
    /// Pages of the members of groups.
    members: Members(Nested<Window>) -> PageOf<store::directory::MemberRow> = |database, _scope, keys| {
        pages!(keys, |groups, window| store::directory::members(database, groups, window).await)
    };
}
