//! What a reprocess of assignments found at the target systems.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object};
use chrono::{DateTime, Utc};

use crate::domain::delivery::finding::{self, finding};
use crate::graphql::api::Api;
use crate::graphql::bulk_operation::BulkOperation;
use crate::graphql::delivery::Delivery;
use crate::graphql::error::ApiError;
use crate::graphql::resolve::Now;
use crate::graphql::resource::ResourceRole;
use crate::store::delivery::Row;

/// What was found for one resource role of an assignment: whether the target system holds what it should.
pub struct ResourceRoleCheck(Arc<Row>);

impl From<&Arc<Row>> for ResourceRoleCheck {
    fn from(row: &Arc<Row>) -> Self {
        Self(Arc::clone(row))
    }
}

/// What was found for one resource role of an assignment: whether the target system holds what it should.
#[Object]
impl ResourceRoleCheck {
    /// The role.
    async fn resource_role(&self) -> Now<ResourceRole> {
        Now(ResourceRole::from(&self.0.role))
    }

    /// What was found, and done.
    async fn finding(&self) -> CheckFinding {
        finding(&self.0.delivery).into()
    }

    /// The delivery that looked, with every try and its last error.
    async fn delivery(&self) -> Now<Delivery> {
        Now(Delivery(Arc::clone(&self.0)))
    }
}

/// What was found for one resource role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "finding::Finding")]
pub enum CheckFinding {
    /// Nobody has looked yet, or the last try failed and the next one comes by itself.
    Pending,
    /// The person has the role at the target system.
    Present,
    /// The person has it not. Only in a dry run, which changes nothing.
    Missing,
    /// The person had it not, and was given it again.
    Repaired,
    /// It could not be found out or given; the delivery's last error says why.
    Failed,
    /// Not looked at: the role left the package or the assignment ended before, or a later check came first.
    Skipped,
}

/// What `reprocessAssignments` found at an assignment.
pub struct AssignmentCheck {
    first: Arc<Row>,
    rows: Arc<Vec<Arc<Row>>>,
}

impl AssignmentCheck {
    /// The check with these rows; none where there are none.
    #[must_use]
    pub fn of(rows: Arc<Vec<Arc<Row>>>) -> Option<Self> {
        let first = Arc::clone(rows.first()?);
        Some(Self { first, rows })
    }
}

/// What `reprocessAssignments` found at an assignment.
#[Object]
impl AssignmentCheck {
    /// Whether it only compared; nothing was repaired.
    async fn dry_run(&self) -> bool {
        self.first.delivery.operation == entity::delivery::DeliveryOperation::Compare
    }

    /// The operation that asked for it, where you may see it.
    async fn bulk_operation(&self, ctx: &Context<'_>) -> Result<Option<BulkOperation>, ApiError> {
        let Some(operation) = self.first.delivery.bulk_operation_id else { return Ok(None) };
        let operation = Api::of(ctx).loaders.bulk_operations().find(operation).await?;
        Ok(operation.map(BulkOperation))
    }

    /// When it was asked for.
    async fn started_at(&self) -> DateTime<Utc> {
        self.first.delivery.created_at
    }

    /// When the last role was looked at; null while one waits.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        let ends: Option<Vec<DateTime<Utc>>> =
            self.rows.iter().map(|row| row.delivery.completed_at).collect();
        ends?.into_iter().max()
    }

    /// What was found for each resource role that the package had then.
    async fn roles(&self) -> Vec<ResourceRoleCheck> {
        self.rows.iter().map(ResourceRoleCheck::from).collect()
    }
}
