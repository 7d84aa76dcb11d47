//! Bulk operations with their items, and the keys that make calls repeatable.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m04_bulk",
    up: r"
CREATE TABLE bulk_operation (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    kind text NOT NULL,
    state text NOT NULL CHECK (state IN ('RUNNING', 'COMPLETED', 'STOPPED')),
    dry_run boolean NOT NULL,
    catalogs {json},
    total_count integer NOT NULL,
    accepted_count integer NOT NULL,
    rejected_count integer NOT NULL,
    next_position integer NOT NULL,
    started_by_id {id} NOT NULL REFERENCES app_user (id),
    started_at {time} NOT NULL,
    finished_at {time},
    due_at {time},
    lease {id},
    attempt_count integer NOT NULL
);
CREATE INDEX bulk_operation_newest ON bulk_operation (organization_id, started_at, id);
CREATE INDEX bulk_operation_due ON bulk_operation (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE bulk_operation_item (
    operation_id {id} NOT NULL,
    position integer NOT NULL,
    requested_id text,
    target_id {id},
    outcome text NOT NULL,
    error_code text,
    PRIMARY KEY (operation_id, position)
);

CREATE TABLE idempotency_key (
    organization_id {id} NOT NULL,
    user_id {id} NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    input_hash text NOT NULL,
    result_id {id} NOT NULL,
    created_at {time} NOT NULL,
    PRIMARY KEY (organization_id, user_id, operation, key)
);
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);
",
    down: "DROP TABLE idempotency_key; DROP TABLE bulk_operation_item; DROP TABLE bulk_operation;",
};
