//! The audit trail.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m05_audit",
    up: r"
CREATE TABLE audit_event (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL,
    at {time} NOT NULL,
    actor_id {id},
    action text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('DONE', 'REFUSED')),
    target_type text,
    target_id {id},
    request_id {id},
    details {json}
);
CREATE INDEX audit_event_newest ON audit_event (organization_id, at, id);
",
    down: "DROP TABLE audit_event;",
};
