//! Stages of approval, with the people who may decide them.
//!
//! A stage's approvers are found when its turn comes, and stand here: what waits for
//! somebody is read by an index.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m12_approvals",
    up: r"
CREATE TABLE approval (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    request_id {id} NOT NULL REFERENCES access_request (id),
    position integer NOT NULL,
    state text NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'DENIED', 'TIMED_OUT', 'CANCELED')),
    justification_required boolean NOT NULL,
    opened_at {time} NOT NULL,
    expires_at {time} NOT NULL,
    due_at {time},
    closed_at {time},
    decided_by_id {id} REFERENCES app_user (id),
    justification text
);
CREATE UNIQUE INDEX approval_stage ON approval (request_id, position);
CREATE UNIQUE INDEX approval_one_pending ON approval (request_id) WHERE state = 'PENDING';
CREATE INDEX approval_waiting ON approval (organization_id, opened_at, id) WHERE state = 'PENDING';
CREATE INDEX approval_due ON approval (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE approval_approver (
    approval_id {id} NOT NULL REFERENCES approval (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    ground text NOT NULL CHECK (ground IN ('USER', 'MANAGER', 'CATALOG_ROLE', 'FALLBACK')),
    catalog_role text,
    PRIMARY KEY (approval_id, user_id)
);
CREATE INDEX approval_approver_user ON approval_approver (user_id, approval_id);
",
    down: "DROP TABLE approval_approver; DROP TABLE approval;",
};
