//! Rows of tables, read by place.
//!
//! [`Sql::columns`](super::sql::Sql::columns) writes a table's columns one after the
//! other. Of a row only the first of them is looked up by its name, and the rest are
//! read from there on: looking up every name cost more than decoding the values.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use sea_orm::{DbErr, QueryResult};
use sqlx::postgres::{PgRow, PgValueFormat};
use sqlx::{ColumnIndex, Row as _, ValueRef as _};
use uuid::Uuid;

use super::cell::Cell;
use super::columns::Columns;

/// A table's row that can be read by place.
pub(super) trait Stored: Sized {
    /// The columns, in the order of the entity.
    const COLUMNS: &'static [&'static str];

    /// Reads the row from the cells that follow.
    fn read(cells: &mut Cells<'_>) -> Result<Self, DbErr>;
}

/// The cells of one table in a row.
pub(super) struct Cells<'a> {
    row: &'a QueryResult,
    postgres: Option<&'a PgRow>,
    at: usize,
    columns: Columns,
    column: usize,
}

impl<'a> Cells<'a> {
    fn new(row: &'a QueryResult, at: usize, columns: Columns) -> Self {
        let columns = columns.and(Columns::KEY);
        Self { row, postgres: row.try_as_pg_row(), at, columns, column: 0 }
    }

    fn next<T: Cell>(&mut self) -> Result<T, DbErr> {
        let column = self.column;
        self.column += 1;
        if !self.columns.has(column) {
            return Ok(T::unread());
        }
        let at = self.at;
        self.at += 1;
        match self.postgres.and_then(|row| binary(row, at)) {
            Some(value) => Ok(value),
            None => self.row.try_get_by_index(at),
        }
    }
}

/// A cell as PostgreSQL sends it; none where it is of a form that is left to the library.
fn binary<T: Cell>(row: &PgRow, at: usize) -> Option<T> {
    let value = row.try_get_raw(at).ok()?;
    if value.is_null() {
        return T::absent();
    }
    if value.format() == PgValueFormat::Binary { T::decode(value.as_bytes().ok()?) } else { None }
}

/// Where the columns of a table begin that were selected with this prefix.
fn place<M: Stored>(row: &QueryResult, prefix: &str) -> Result<usize, DbErr> {
    let first = M::COLUMNS.first().copied().unwrap_or_default();
    let name = [prefix, first].concat();
    let place = match (row.try_as_pg_row(), row.try_as_sqlite_row()) {
        (Some(row), _) => name.as_str().index(row),
        (_, Some(row)) => name.as_str().index(row),
        _ => return Err(DbErr::Type("a row of neither database".to_owned())),
    };
    place.map_err(|error| DbErr::Type(error.to_string()))
}

/// The row of a table whose columns were selected with this prefix.
pub(super) fn model<M: Stored>(row: &QueryResult, prefix: &str) -> Result<M, DbErr> {
    part(row, prefix, Columns::ALL)
}

/// The same where only some of the columns were selected.
pub(super) fn part<M: Stored>(row: &QueryResult, prefix: &str, columns: Columns) -> Result<M, DbErr> {
    M::read(&mut Cells::new(row, place::<M>(row, prefix)?, columns))
}

/// The row of a table that need not have one: none where its first column, a key, is null.
pub(super) fn optional<M: Stored>(row: &QueryResult, prefix: &str) -> Result<Option<M>, DbErr> {
    let at = place::<M>(row, prefix)?;
    if row.try_get_by_index::<Option<Uuid>>(at)?.is_none() {
        return Ok(None);
    }
    M::read(&mut Cells::new(row, at, Columns::ALL)).map(Some)
}

/// Rows that many rows of a result name: each is read once.
pub(super) struct Shared<M> {
    columns: Columns,
    known: HashMap<Uuid, Arc<M>>,
}

/// Nothing yet, of a table that is read whole.
impl<M: Stored> Default for Shared<M> {
    fn default() -> Self {
        Self::of(Columns::ALL)
    }
}

impl<M: Stored> Shared<M> {
    /// Nothing yet, of a table of which these columns were selected.
    pub(super) fn of(columns: Columns) -> Self {
        Self { columns, known: HashMap::new() }
    }

    /// Whether the table was read at all.
    pub(super) fn are_read(&self) -> bool {
        self.columns.any()
    }

    /// The row of a table whose columns were selected with this prefix, the first of them its id.
    pub(super) fn model(&mut self, row: &QueryResult, prefix: &str) -> Result<Arc<M>, DbErr> {
        self.at(row, place::<M>(row, prefix)?)
    }

    /// The same for a table that need not have a row.
    pub(super) fn optional(&mut self, row: &QueryResult, prefix: &str) -> Result<Option<Arc<M>>, DbErr> {
        let at = place::<M>(row, prefix)?;
        if row.try_get_by_index::<Option<Uuid>>(at)?.is_none() {
            return Ok(None);
        }
        self.at(row, at).map(Some)
    }

    fn at(&mut self, row: &QueryResult, at: usize) -> Result<Arc<M>, DbErr> {
        match self.known.entry(row.try_get_by_index(at)?) {
            Entry::Occupied(known) => Ok(Arc::clone(known.get())),
            Entry::Vacant(free) => {
                let read = M::read(&mut Cells::new(row, at, self.columns))?;
                Ok(Arc::clone(free.insert(Arc::new(read))))
            }
        }
    }
}

macro_rules! stored {
    ($($table:ident { $($column:ident),* $(,)? })*) => {
        $(
            impl Stored for entity::$table::Model {
                const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),*];

                fn read(cells: &mut Cells<'_>) -> Result<Self, DbErr> {
                    // In the order that they are written in here.
                    Ok(Self { $($column: cells.next()?),* })
                }
            }
        )*

        #[cfg(test)]
        mod tests {
            use sea_orm::{IdenStatic as _, Iterable as _};

            use super::*;

            #[test]
            fn columns_stand_in_the_order_of_the_entities() {
                $(
                    let columns: Vec<_> = entity::$table::Column::iter().map(|column| column.as_str()).collect();
                    assert_eq!(entity::$table::Model::COLUMNS, columns, "{}", stringify!($table));
                )*
            }
        }
    };
}

stored! {
    access_package { id, organization_id, catalog_id, display_name, name_key, description, hidden, version, created_at, deleted_at }
    access_package_incompatible { access_package_id, incompatible_id }
    access_package_resource_role { access_package_id, resource_role_id, created_at, added_by_id, delivery_failed_at }
    access_request { id, organization_id, catalog_id, access_package_id, policy_id, policy_snapshot, requestor_id, submitted_by_id, assignment_id, kind, state, justification, requested_start, requested_end, submitted_at, completed_at, last_completed_at, event_count, answers, signed_link_id }
    access_request_event { request_id, seq, at, action, from_state, to_state, actor_id, reason, bulk_operation_id }
    access_token { id, organization_id, owner_id, kind, name, lookup, secret_hash, last_four, issued_at, expires_at, last_used_at, revoked_at, due_at, version, created_at, origin, external_id }
    access_token_scope { token_id, scope }
    app_user { id, organization_id, issuer, subject, kind, state, display_name, name_key, email, manager_id, claimed_roles, claimed_at, deactivated_at, version, created_at, connected_organization_id, guest_end, guest_end_at, unblocked_at }
    approval { id, organization_id, request_id, position, state, justification_required, opened_at, expires_at, due_at, closed_at, decided_by_id, justification, alternates_at, approvers_visible }
    approval_approver { approval_id, user_id, ground, catalog_role }
    assignment { id, organization_id, catalog_id, access_package_id, policy_id, user_id, request_id, state, starts_at, expires_at, ended_at, due_at, lease, attempt_count, created_at, repair_failed_at }
    assignment_policy { id, organization_id, access_package_id, display_name, name_key, description, requestor_scope, justification_required, enabled, expiration, expiration_seconds, expiration_at, approval_stage_count, version, created_at, deleted_at, questions, custom_schedule, managers_may_request, extension, requires_signed_link }
    audit_chain { organization_id, sequence, hash, sealed_at }
    audit_event { id, organization_id, at, actor_id, action, outcome, target_type, target_id, request_id, details, sequence, sealed_at, previous_hash, hash }
    bulk_operation { id, organization_id, kind, state, dry_run, catalogs, total_count, accepted_count, rejected_count, next_position, started_by_id, started_at, finished_at, due_at, lease, attempt_count, decision, reason }
    bulk_operation_item { operation_id, position, requested_id, target_id, outcome, error_code }
    catalog { id, organization_id, display_name, name_key, description, enabled, externally_visible, version, created_at, deleted_at }
    catalog_role_assignment { id, organization_id, catalog_id, user_id, role, created_by_id, created_at }
    connected_organization { id, organization_id, display_name, name_key, description, state, proposed_at, version, created_at, deleted_at }
    connected_organization_sponsor { connected_organization_id, user_id }
    connector { id, organization_id, kind, display_name, name_key, base_url, secret, enabled, health, health_message, health_checked_at, failures_in_row, version, created_at, deleted_at, remote_system_id, account_name, match_by_email }
    connector_opening { connector_id, catalog_id, target, created_at }
    delivery { id, organization_id, request_id, assignment_id, user_id, resource_role_id, connector_id, operation, state, result, existed_before, attempt_count, attempt_in_round, round, retry_until, hold_until, due_at, lease, error_code, error_message, error_retryable, error_status, error_at, created_at, completed_at, bulk_operation_id, grant_id }
    delivery_attempt { delivery_id, number, round, started_at, finished_at, outcome, error_code, message, remote_status }
    directory_group { id, organization_id, connector_id, origin_id, display_name, created_at }
    directory_member { group_id, user_id, role, created_at }
    entitlement_grant { id, organization_id, system_id, target, role, user_id, account_id, origin, state, confirmed_at, created_at, updated_at }
    guest_step { id, organization_id, user_id, step, at, since, actor_id }
    idempotency_key { organization_id, user_id, operation, key, input_hash, result_id, created_at }
    identity_source { connected_organization_id, position, organization_id, kind, issuer, claim, value, vouchers }
    installation { key, value }
    introspection_client { id, organization_id, display_name, name_key, secret_hash, created_by_id, created_at, deleted_at }
    notification { id, organization_id, user_id, kind, subject_type, subject_id, content, created_at, read_at, mail_state, attempt_count, due_at, lease, error_code, error_message, error_status, error_at, sent_at }
    notification_preference { user_id, kind, enabled, updated_at }
    organization { id, slug, display_name, reprocess_window_seconds, version, created_at, base_level, fine_grained_tokens, classic_tokens, token_approval_required, fine_grained_lifetime_seconds, classic_lifetime_seconds, token_policy_version, guest_block_after_seconds, guest_remove_after_seconds, email_sign_in }
    organization_access { organization_id, user_id, level, updated_at }
    organization_digest { organization_id, hour, time_zone, due_at }
    organization_domain { domain, organization_id, position }
    permission_definition { id, organization_id, target, name, description, lowest, highest, administrative, created_at }
    permission_definition_scope { definition_id, scope, level }
    policy_connected_organization { policy_id, connected_organization_id }
    policy_stage { policy_id, position, timeout_seconds, justification_required, alternates_after_seconds, approvers_visible }
    policy_stage_approver { policy_id, position, ordinal, kind, user_id, catalog_role, part, manager_level }
    policy_user { policy_id, user_id }
    remote_account { id, organization_id, system_id, user_id, remote_id, user_name, state, origin, linked_by_id, delivery_id, version, created_at, updated_at }
    remote_system { id, organization_id, address, tenant, created_at }
    repository { id, organization_id, name, name_key, description, visibility, origin_id, version, created_at, deleted_at }
    repository_access { id, organization_id, repository_id, user_id, level, created_at }
    resource { id, organization_id, catalog_id, connector_id, kind, display_name, name_key, origin_id, version, created_at, deleted_at }
    resource_role { id, resource_id, display_name, origin_id, created_at, deleted_at }
    sign_in_code { organization_id, address, id, code, expires_at, tries_left, asked_at, ask_count, due_at, lease, attempt_count }
    signing_key { id, number, private_key, public_key, created_at }
    signed_link { id, organization_id, access_package_id, label, lookup, secret_hash, connected_organization_id, expires_at, maximum_uses, uses, openings, created_by_id, created_at, revoked_at, revoked_by_id }
    token_grant { id, organization_id, token_id, owner_id, request_id, state, repository_selection, granted_at, granted_by_id, ended_at, ended_by_id, end_reason, origin, external_id }
    token_request { id, organization_id, token_id, owner_id, state, justification, repository_selection, follows_id, base_id, automatic_reason, cancel_reason, reviewed_by_id, reviewed_at, review_reason, closed_at, created_at, event_count, origin, external_id, expires_at }
    token_request_event { request_id, seq, at, action, from_state, to_state, actor_id, reason, bulk_operation_id }
    token_request_permission { request_id, target, name, level }
    token_request_repository { request_id, repository_id }
    webhook { id, organization_id, display_name, name_key, url, secret, enabled, created_by_id, version, created_at, deleted_at }
    webhook_attempt { delivery_id, number, started_at, finished_at, error_code, error_message, response_status }
    webhook_delivery { id, organization_id, webhook_id, action, request_id, body, state, attempt_count, attempt_in_round, retry_until, due_at, lease, error_code, error_message, response_status, attempted_at, created_at, completed_at }
}
