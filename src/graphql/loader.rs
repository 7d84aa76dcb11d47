//! Reads of what did not come with a page: all keys of a level in one statement.
//!
//! One set for each operation, carrying the viewer's scope. Every key is answered,
//! with none where there is no row, so that a missing row is not an error.

use std::collections::HashMap;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use dataloader::BatchFn;
use dataloader::cached::Loader;
use entity::{
    app_user, assignment_policy, bulk_operation, catalog, connector, connector_opening, organization,
    resource,
};
use uuid::Uuid;

use super::error::ApiError;
use crate::authz::Scope;
use crate::store::{self, Access, Database, StoreError};

/// The most keys of one statement.
const LARGEST_BATCH: usize = 1_000;
/// How often a loader lets others run before it reads: enough for a whole level to ask.
const YIELDS: usize = 10;

type Loaded<V> = Result<Option<Arc<V>>, ApiError>;

/// Reads values by id.
pub trait Source: Send + Sync + 'static {
    /// What is read.
    type Value: Send + Sync + 'static;

    /// Reads the values of these ids; an id without a value may be left out.
    fn read(
        database: &Database,
        scope: &Scope,
        ids: &[Uuid],
    ) -> impl Future<Output = Result<HashMap<Uuid, Self::Value>, StoreError>> + Send;
}

/// Turns a [`Source`] into what the loader crate calls.
pub struct Batch<S> {
    database: Database,
    scope: Arc<Scope>,
    source: PhantomData<S>,
}

impl<S: Source> BatchFn<Uuid, Loaded<S::Value>> for Batch<S> {
    async fn load(&mut self, ids: &[Uuid]) -> HashMap<Uuid, Loaded<S::Value>> {
        match S::read(&self.database, &self.scope, ids).await {
            Ok(mut values) => ids.iter().map(|id| (*id, Ok(values.remove(id).map(Arc::new)))).collect(),
            Err(error) => {
                let error = ApiError::from(error);
                ids.iter().map(|id| (*id, Err(error.clone()))).collect()
            }
        }
    }
}

/// A loader for one source.
pub struct Load<S: Source>(Loader<Uuid, Loaded<S::Value>, Batch<S>>);

impl<S: Source> Load<S> {
    fn new(database: &Database, scope: &Arc<Scope>) -> Self {
        let batch = Batch { database: database.clone(), scope: Arc::clone(scope), source: PhantomData };
        Self(Loader::new(batch).with_max_batch_size(LARGEST_BATCH).with_yield_count(YIELDS))
    }

    /// The value of an id, or none.
    pub async fn find(&self, id: Uuid) -> Loaded<S::Value> {
        self.0.try_load(id).await.map_err(|_| ApiError::Internal)?
    }

    /// The value of an id that a foreign key vouches for.
    pub async fn get(&self, id: Uuid) -> Result<Arc<S::Value>, ApiError> {
        self.find(id).await?.ok_or(ApiError::Internal)
    }
}

macro_rules! sources {
    ($($(#[$doc:meta])* $field:ident: $name:ident -> $value:ty = |$database:ident, $scope:ident, $ids:ident| $read:expr;)*) => {
        $(
            $(#[$doc])*
            pub struct $name;
            impl Source for $name {
                type Value = $value;
                async fn read($database: &Database, $scope: &Scope, $ids: &[Uuid]) -> Result<HashMap<Uuid, $value>, StoreError> {
                    $read
                }
            }
        )*

        /// The loaders of one operation.
        pub struct Loaders {$(
            $(#[$doc])*
            pub $field: Load<$name>,
        )*}

        impl Loaders {
            /// A fresh set.
            #[must_use]
            pub fn new(database: &Database, scope: &Arc<Scope>) -> Self {
                Self { $($field: Load::new(database, scope),)* }
            }
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
    users: Users -> app_user::Model = |database, scope, ids| {
        Ok(by_id(store::user::find(database, Access::Named(scope.organization), ids).await?, |row| row.id))
    };
    /// Catalogs that visible objects name.
    catalogs: CatalogsById -> catalog::Model = |database, scope, ids| {
        Ok(by_id(store::catalog::find(database, Access::Named(scope.organization), ids).await?, |row| row.id))
    };
    /// Connectors that the viewer may see.
    connectors: Connectors -> connector::Model = |database, scope, ids| {
        Ok(by_id(store::connector::find(database, Access::Visible(scope), ids).await?, |row| row.id))
    };
    /// What connectors are opened to.
    openings: Openings -> Vec<connector_opening::Model> = |database, _scope, ids| {
        let rows = store::connector::openings(database, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.connector_id, row))))
    };
    /// Resources that visible objects name.
    resources: Resources -> resource::Model = |database, scope, ids| {
        Ok(by_id(store::resource::find(database, Access::Named(scope.organization), ids).await?, |row| row.id))
    };
    /// The roles of resources.
    roles_of_resource: RolesOfResource -> Vec<store::resource::RoleRow> = |database, _scope, ids| {
        let rows = store::resource::roles_of(database, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.resource.id, row))))
    };
    /// The roles that packages give.
    roles_of_package: RolesOfPackage -> Vec<store::resource::RoleRow> = |database, _scope, ids| {
        Ok(by_owner(store::resource::roles_in_packages(database, ids).await?))
    };
    /// Packages that visible objects name.
    packages: Packages -> store::access_package::Row = |database, scope, ids| {
        let include = store::access_package::Include::default();
        let rows = store::access_package::find(database, Access::Named(scope.organization), ids, include).await?;
        Ok(by_id(rows, |row| row.package.id))
    };
    /// The policies of packages that the viewer may see.
    policies_of_package: PoliciesOfPackage -> Vec<Arc<assignment_policy::Model>> = |database, scope, ids| {
        let rows = store::assignment_policy::of_packages(database, scope, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.access_package_id, row))))
    };
    /// Policies that visible objects name.
    policies: Policies -> assignment_policy::Model = |database, scope, ids| {
        let rows = store::assignment_policy::find(database, Access::Named(scope.organization), ids).await?;
        Ok(by_id(rows.into_iter().map(Arc::unwrap_or_clone).collect(), |row| row.id))
    };
    /// The users that policies name.
    users_of_policy: UsersOfPolicy -> Vec<Arc<app_user::Model>> = |database, _scope, ids| {
        Ok(by_owner(store::assignment_policy::named_users(database, ids).await?))
    };
    /// The approval stages of policies.
    stages_of_policy: StagesOfPolicy -> Vec<store::assignment_policy::StageRow> = |database, _scope, ids| {
        let rows = store::assignment_policy::stages(database, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.stage.policy_id, row))))
    };
    /// Requests that the viewer may see.
    requests: Requests -> store::access_request::Row = |database, scope, ids| {
        let include = store::access_request::Include::default();
        let rows = store::access_request::find(database, Access::Visible(scope), ids, include).await?;
        Ok(by_id(rows, |row| row.request.id))
    };
    /// Requests that visible objects name, with what their affordances depend on.
    judged_requests: JudgedRequests -> store::access_request::Row = |database, scope, ids| {
        let include = store::access_request::Include {
            requestor: true, package: true, assignment: true, deliveries: true,
            ..store::access_request::Include::default()
        };
        let rows = store::access_request::find(database, Access::Named(scope.organization), ids, include).await?;
        Ok(by_id(rows, |row| row.request.id))
    };
    /// The deliveries of requests.
    deliveries: Deliveries -> Vec<Arc<store::delivery::Row>> = |database, _scope, ids| {
        let rows = store::delivery::of_requests(database, ids).await?;
        Ok(by_owner(rows.into_iter().map(|row| (row.delivery.request_id, row))))
    };
    /// Bulk operations that the viewer may see.
    bulk_operations: BulkOperations -> bulk_operation::Model = |database, scope, ids| {
        Ok(by_id(store::bulk_operation::find(database, scope, ids).await?, |row| row.id))
    };
    /// The organizations that calls act in.
    organizations: Organizations -> organization::Model = |database, _scope, ids| {
        let mut found = HashMap::new();
        for id in ids {
            found.extend(store::organization::get(database, *id).await?.map(|row| (*id, row)));
        }
        Ok(found)
    };
    /// What stands against requests of the viewer for packages.
    requestability: PackageRequestability -> store::access_request::Requestability = |database, scope, ids| {
        Ok(by_id(store::access_request::requestability(database, scope, ids).await?, |row| row.package))
    };
    /// Assignments that visible objects name.
    assignments: Assignments -> store::assignment::Row = |database, scope, ids| {
        let include = store::assignment::Include::default();
        let rows = store::assignment::find(database, Access::Named(scope.organization), ids, include).await?;
        Ok(by_id(rows, |row| row.assignment.id))
    };
}
