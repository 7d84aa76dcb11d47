//! The hash chain of each organization's audit trail, and indexes for what audit events are filtered by.
//!
//! Events are inserted without a place in the chain, and given one afterwards; those that were there before are, too.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m13_audit_chain",
    up: r"
ALTER TABLE audit_event ADD COLUMN sequence bigint;
ALTER TABLE audit_event ADD COLUMN sealed_at {time};
ALTER TABLE audit_event ADD COLUMN previous_hash text;
ALTER TABLE audit_event ADD COLUMN hash text CHECK ((hash IS NULL) = (sequence IS NULL));
CREATE UNIQUE INDEX audit_event_sequence ON audit_event (organization_id, sequence) WHERE sequence IS NOT NULL;
CREATE INDEX audit_event_unsealed ON audit_event (organization_id, id) WHERE sequence IS NULL;
CREATE INDEX audit_event_actor ON audit_event (organization_id, actor_id, at, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_event_target ON audit_event (organization_id, target_id, at, id) WHERE target_id IS NOT NULL;
CREATE INDEX audit_event_action ON audit_event (organization_id, action, at, id);

CREATE TABLE audit_chain (
    organization_id {id} NOT NULL PRIMARY KEY,
    sequence bigint NOT NULL,
    hash text NOT NULL,
    sealed_at {time} NOT NULL
);
",
    down: r"
DROP TABLE audit_chain;
DROP INDEX audit_event_action;
DROP INDEX audit_event_target;
DROP INDEX audit_event_actor;
DROP INDEX audit_event_unsealed;
DROP INDEX audit_event_sequence;
ALTER TABLE audit_event DROP COLUMN hash;
ALTER TABLE audit_event DROP COLUMN previous_hash;
ALTER TABLE audit_event DROP COLUMN sealed_at;
ALTER TABLE audit_event DROP COLUMN sequence;
",
};
