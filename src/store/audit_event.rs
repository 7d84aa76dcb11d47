//! The audit trail.

use chrono::{DateTime, Utc};
use entity::audit_event::{self, AuditOutcome};
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::names;
use super::page::{List, Page, Window, alone};
use super::row::model;
use super::sql::Sql;
use crate::authz::{Actor, Scope};
use crate::id::Kind;

/// Which events are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// By these people.
    pub actors: Option<Vec<Uuid>>,
    /// About these objects.
    pub targets: Option<Vec<Uuid>>,
    /// With these names.
    pub actions: Option<Vec<String>>,
    /// With these outcomes.
    pub outcomes: Option<Vec<AuditOutcome>>,
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
}

/// Adds: it is about tokens, or about what they reach. An underscore stands for any character here.
const OF_TOKENS: &str = " AND (e.action LIKE 'personal_access_token.%' OR e.action LIKE 'token_%'
    OR e.action LIKE 'access_token.%' OR e.action LIKE 'repository.%' OR e.action LIKE 'permission_definition.%'
    OR e.action LIKE 'introspection_client.%' OR e.action LIKE 'webhook%' OR e.action = 'organization.access_set')";

fn visible(sql: &mut Sql, scope: &Scope) {
    sql.push("e.organization_id = ").bind(scope.organization);
    if !scope.audit {
        sql.push(if scope.tokens { OF_TOKENS } else { " AND 1 = 0" });
    }
}

/// A page of the events that the viewer may see, by time.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    filter: &Filter,
    window: &Window,
) -> Result<Page<audit_event::Model>, StoreError> {
    let list = List {
        from: "audit_event e",
        key: ("e.at", "e_at"),
        id: ("e.id", "e_id"),
        columns: Box::new(|sql| {
            sql.columns::<audit_event::Entity>("e");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            visible(sql, scope);
            if let Some(actors) = &filter.actors {
                sql.push(" AND e.actor_id").any_id(actors);
            }
            if let Some(targets) = &filter.targets {
                sql.push(" AND e.target_id").any_id(targets);
            }
            if let Some(actions) = &filter.actions {
                sql.push(" AND e.action").any_text(actions);
            }
            if let Some(outcomes) = &filter.outcomes {
                sql.push(" AND e.outcome").any_text(&names(outcomes));
            }
            sql.within("e.at", filter.from, filter.until);
        }),
    };
    list.page(connection, window, |row| model::<audit_event::Model>(row, "e_")).await
}

/// Events by id.
pub async fn find(
    connection: &impl Connection,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<audit_event::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<audit_event::Entity>("e").push(" FROM audit_event e WHERE ");
    visible(&mut sql, scope);
    sql.push(" AND e.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<audit_event::Model>(row, "e_")).collect::<Result<_, _>>()?)
}

/// One event to record.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// The organization.
    pub organization: Uuid,
    /// Who did it; nobody for Guichet itself.
    pub actor: Option<Uuid>,
    /// What was done.
    pub action: &'a str,
    /// What it is about.
    pub target: Option<(Kind, Uuid)>,
    /// The call to the server.
    pub call: Option<Uuid>,
    /// What changed.
    pub details: Option<serde_json::Value>,
}

impl<'a> Event<'a> {
    /// An event about what a user does to an object.
    #[must_use]
    pub fn by(actor: &Actor, action: &'a str, kind: Kind, target: Uuid) -> Self {
        Self {
            organization: actor.organization,
            actor: Some(actor.user),
            action,
            target: Some((kind, target)),
            call: Some(actor.call),
            details: None,
        }
    }

    /// An event about what Guichet itself does to an object, because its time has come or a remote has answered.
    #[must_use]
    pub fn by_itself(organization: Uuid, action: &'a str, kind: Kind, target: Uuid) -> Self {
        Self { organization, actor: None, action, target: Some((kind, target)), call: None, details: None }
    }

    /// The event with what changed: ids and codes, never names, addresses or secrets.
    #[must_use]
    pub fn with(self, details: serde_json::Value) -> Self {
        Self { details: Some(details), ..self }
    }
}

/// Records that these things were done, in the transaction that does them.
pub async fn record_all(txn: &Txn, events: &[Event<'_>]) -> Result<(), StoreError> {
    txn.insert_all(events.iter().map(|event| row(txn.id(), txn.now(), AuditOutcome::Done, event)).collect())
        .await
}

/// Records that something was done, in the transaction that does it.
pub async fn record(txn: &Txn, event: &Event<'_>) -> Result<(), StoreError> {
    txn.insert(row(txn.id(), txn.now(), AuditOutcome::Done, event)).await
}

/// Records that something was refused.
pub async fn record_refused(txn: &Txn, event: &Event<'_>) -> Result<(), StoreError> {
    txn.insert(row(txn.id(), txn.now(), AuditOutcome::Refused, event)).await
}

fn row(id: Uuid, at: DateTime<Utc>, outcome: AuditOutcome, event: &Event<'_>) -> audit_event::Model {
    audit_event::Model {
        id,
        organization_id: event.organization,
        at,
        actor_id: event.actor,
        action: event.action.to_owned(),
        outcome,
        target_type: event.target.map(|(kind, _)| kind.prefix().to_owned()),
        target_id: event.target.map(|(_, id)| id),
        request_id: event.call,
        details: event.details.clone(),
        sequence: None,
        sealed_at: None,
        previous_hash: None,
        hash: None,
    }
}
