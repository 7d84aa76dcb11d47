//! Checks of assignments: deliveries that compare what should be with what is, and repair it.
//!
//! A check is in the queue of deliveries, so that what is done for one person and role stays in order.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::Change;

/// This change, which the two databases make in different ways: SQLite changes no constraint of a table.
pub(crate) struct Checks;

/// The table as it is on SQLite, with these operations and results, and with these columns after the others.
macro_rules! rebuilt {
    ($operations:literal, $results:literal, $columns:literal, $names:literal, $values:literal, $kept:literal) => {
        concat!(
            "
CREATE TABLE delivery_new (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    request_id {id} NOT NULL REFERENCES access_request (id),
    assignment_id {id} NOT NULL REFERENCES assignment (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    resource_role_id {id} NOT NULL REFERENCES resource_role (id),
    connector_id {id} NOT NULL REFERENCES connector (id),
    operation text NOT NULL CHECK (operation IN (",
            $operations,
            ")),
    state text NOT NULL CHECK (state IN ('PENDING', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'CANCELED')),
    result text CHECK (result IN (",
            $results,
            ")),
    existed_before boolean,
    attempt_count integer NOT NULL,
    attempt_in_round integer NOT NULL,
    round integer NOT NULL,
    retry_until {time},
    hold_until {time},
    due_at {time},
    lease {id},
    error_code text,
    error_message text,
    error_retryable boolean,
    error_status integer,
    error_at {time},
    created_at {time} NOT NULL,
    completed_at {time}",
            $columns,
            "
);
INSERT INTO delivery_new (id, organization_id, request_id, assignment_id, user_id, resource_role_id, connector_id,
    operation, state, result, existed_before, attempt_count, attempt_in_round, round, retry_until, hold_until, due_at,
    lease, error_code, error_message, error_retryable, error_status, error_at, created_at, completed_at",
            $names,
            ")
SELECT id, organization_id, request_id, assignment_id, user_id, resource_role_id, connector_id,
    operation, state, result, existed_before, attempt_count, attempt_in_round, round, retry_until, hold_until, due_at,
    lease, error_code, error_message, error_retryable, error_status, error_at, created_at, completed_at",
            $values,
            " FROM delivery",
            $kept,
            ";
DROP TABLE delivery;
ALTER TABLE delivery_new RENAME TO delivery;
CREATE INDEX delivery_request ON delivery (request_id, id);
CREATE INDEX delivery_assignment ON delivery (assignment_id);
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_order ON delivery (user_id, resource_role_id, id);
CREATE INDEX delivery_role ON delivery (resource_role_id);
"
        )
    };
}

const INDEX: &str = "CREATE INDEX delivery_check ON delivery (bulk_operation_id, assignment_id)
    WHERE bulk_operation_id IS NOT NULL;";

const SQLITE_UP: &str = rebuilt!(
    "'ADD', 'REMOVE', 'REPAIR', 'COMPARE'",
    "'CHANGED', 'ALREADY_SO', 'STILL_NEEDED', 'EXISTED_BEFORE', 'NO_LONGER_WANTED', 'MISSING'",
    ",\n    bulk_operation_id {id}",
    ", bulk_operation_id",
    ", NULL",
    ""
);

const SQLITE_DOWN: &str = rebuilt!(
    "'ADD', 'REMOVE'",
    "'CHANGED', 'ALREADY_SO', 'STILL_NEEDED', 'EXISTED_BEFORE', 'NO_LONGER_WANTED'",
    "",
    "",
    "",
    " WHERE operation IN ('ADD', 'REMOVE')"
);

const POSTGRES_UP: &str = r"
ALTER TABLE delivery ADD COLUMN bulk_operation_id {id};
ALTER TABLE delivery DROP CONSTRAINT delivery_operation_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_operation_check
    CHECK (operation IN ('ADD', 'REMOVE', 'REPAIR', 'COMPARE'));
ALTER TABLE delivery DROP CONSTRAINT delivery_result_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_result_check
    CHECK (result IN ('CHANGED', 'ALREADY_SO', 'STILL_NEEDED', 'EXISTED_BEFORE', 'NO_LONGER_WANTED', 'MISSING'));
";

const POSTGRES_DOWN: &str = r"
DELETE FROM delivery WHERE operation NOT IN ('ADD', 'REMOVE');
ALTER TABLE delivery DROP COLUMN bulk_operation_id;
ALTER TABLE delivery DROP CONSTRAINT delivery_operation_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_operation_check CHECK (operation IN ('ADD', 'REMOVE'));
ALTER TABLE delivery DROP CONSTRAINT delivery_result_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_result_check
    CHECK (result IN ('CHANGED', 'ALREADY_SO', 'STILL_NEEDED', 'EXISTED_BEFORE', 'NO_LONGER_WANTED'));
";

impl MigrationName for Checks {
    fn name(&self) -> &'static str {
        "m15_checks"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Checks {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let change = match manager.get_database_backend() {
            DbBackend::Postgres => POSTGRES_UP,
            _ => SQLITE_UP,
        };
        Change::run(manager, change).await?;
        Change::run(manager, INDEX).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let change = match manager.get_database_backend() {
            DbBackend::Postgres => POSTGRES_DOWN,
            _ => SQLITE_DOWN,
        };
        Change::run(manager, change).await
    }

    /// A change is done whole or not at all, on SQLite, too.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
