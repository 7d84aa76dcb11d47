//! Small indexes that hold only the deliveries that wait or are being tried: what claims read, whatever was delivered
//! before.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m23_delivery_queue",
    up: r"
CREATE INDEX delivery_queue ON delivery (resource_role_id, operation, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_unfinished ON delivery (grant_id, id) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_leased ON delivery (resource_role_id, due_at) WHERE lease IS NOT NULL;
",
    down: "DROP INDEX delivery_leased; DROP INDEX delivery_unfinished; DROP INDEX delivery_queue;",
};
