//! Access requests, assignments, deliveries and their attempts.
//!
//! The append-only tables have natural keys and no foreign keys: nothing they
//! name is ever deleted.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m03_requests",
    up: r"
CREATE TABLE access_request (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    catalog_id {id} NOT NULL REFERENCES catalog (id),
    access_package_id {id} NOT NULL REFERENCES access_package (id),
    policy_id {id} REFERENCES assignment_policy (id),
    policy_snapshot {json},
    requestor_id {id} NOT NULL REFERENCES app_user (id),
    submitted_by_id {id} REFERENCES app_user (id),
    assignment_id {id},
    kind text NOT NULL CHECK (kind IN ('USER_ADD', 'USER_EXTEND', 'USER_REMOVE', 'ADMIN_ADD', 'ADMIN_REMOVE', 'SYSTEM_REMOVE')),
    state text NOT NULL CHECK (state IN ('SUBMITTED', 'PENDING_APPROVAL', 'SCHEDULED', 'DELIVERING', 'DELIVERED', 'PARTIALLY_DELIVERED', 'DELIVERY_FAILED', 'DENIED', 'CANCELED')),
    justification text,
    requested_start {time},
    requested_end {time},
    submitted_at {time} NOT NULL,
    completed_at {time},
    last_completed_at {time},
    event_count integer NOT NULL
);
CREATE INDEX access_request_newest ON access_request (organization_id, submitted_at, id);
CREATE INDEX access_request_catalog_newest ON access_request (catalog_id, submitted_at, id);
CREATE INDEX access_request_package_newest ON access_request (access_package_id, submitted_at, id);
CREATE INDEX access_request_requestor_newest ON access_request (requestor_id, submitted_at, id);
CREATE INDEX access_request_submitter ON access_request (submitted_by_id);
CREATE INDEX access_request_policy ON access_request (policy_id);
CREATE UNIQUE INDEX access_request_one_open ON access_request (requestor_id, access_package_id)
    WHERE kind IN ('USER_ADD', 'ADMIN_ADD') AND state IN ('SUBMITTED', 'PENDING_APPROVAL', 'SCHEDULED', 'DELIVERING')
    AND completed_at IS NULL;

CREATE TABLE access_request_event (
    request_id {id} NOT NULL,
    seq integer NOT NULL,
    at {time} NOT NULL,
    action text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    actor_id {id},
    reason text,
    bulk_operation_id {id},
    PRIMARY KEY (request_id, seq)
);

CREATE TABLE assignment (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    catalog_id {id} NOT NULL REFERENCES catalog (id),
    access_package_id {id} NOT NULL REFERENCES access_package (id),
    policy_id {id} REFERENCES assignment_policy (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    request_id {id} NOT NULL REFERENCES access_request (id),
    state text NOT NULL CHECK (state IN ('SCHEDULED', 'DELIVERING', 'PARTIALLY_DELIVERED', 'DELIVERED', 'DELIVERY_FAILED', 'REVOKING', 'ENDED')),
    starts_at {time} NOT NULL,
    expires_at {time},
    ended_at {time},
    due_at {time},
    lease {id},
    attempt_count integer NOT NULL,
    created_at {time} NOT NULL
);
CREATE INDEX assignment_newest ON assignment (organization_id, created_at, id);
CREATE INDEX assignment_package_newest ON assignment (access_package_id, created_at, id);
CREATE INDEX assignment_user_newest ON assignment (user_id, created_at, id);
CREATE INDEX assignment_catalog_newest ON assignment (catalog_id, created_at, id);
CREATE INDEX assignment_request ON assignment (request_id);
CREATE INDEX assignment_due ON assignment (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX assignment_one_live ON assignment (user_id, access_package_id)
    WHERE state IN ('SCHEDULED', 'DELIVERING', 'PARTIALLY_DELIVERED', 'DELIVERED', 'DELIVERY_FAILED');

CREATE TABLE delivery (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    request_id {id} NOT NULL REFERENCES access_request (id),
    assignment_id {id} NOT NULL REFERENCES assignment (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    resource_role_id {id} NOT NULL REFERENCES resource_role (id),
    connector_id {id} NOT NULL REFERENCES connector (id),
    operation text NOT NULL CHECK (operation IN ('ADD', 'REMOVE')),
    state text NOT NULL CHECK (state IN ('PENDING', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'CANCELED')),
    result text CHECK (result IN ('CHANGED', 'ALREADY_SO', 'STILL_NEEDED', 'EXISTED_BEFORE', 'NO_LONGER_WANTED')),
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
    completed_at {time}
);
CREATE INDEX delivery_request ON delivery (request_id, id);
CREATE INDEX delivery_assignment ON delivery (assignment_id);
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_order ON delivery (user_id, resource_role_id, id);
CREATE INDEX delivery_role ON delivery (resource_role_id);

CREATE TABLE delivery_attempt (
    delivery_id {id} NOT NULL,
    number integer NOT NULL,
    round integer NOT NULL,
    started_at {time} NOT NULL,
    finished_at {time} NOT NULL,
    outcome text NOT NULL,
    error_code text,
    message text,
    remote_status integer,
    PRIMARY KEY (delivery_id, number)
);
",
    down: "DROP TABLE delivery_attempt; DROP TABLE delivery; DROP TABLE assignment;
DROP TABLE access_request_event; DROP TABLE access_request;",
};
