//! What waits for somebody's decision, found by an index in the order in which it is listed.
//!
//! Approvers have the times of their stage for as long as it waits: what somebody decided before is not looked at.
//! A token request has the end of its token; its sort key is kept by the database.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m17_inbox",
    up: r"
ALTER TABLE approval_approver ADD COLUMN waiting_since {time};
ALTER TABLE approval_approver ADD COLUMN waiting_until {time};
UPDATE approval_approver SET
    waiting_since = (SELECT a.opened_at FROM approval a WHERE a.id = approval_id AND a.state = 'PENDING'),
    waiting_until = (SELECT a.expires_at FROM approval a WHERE a.id = approval_id AND a.state = 'PENDING');
CREATE INDEX approval_approver_oldest ON approval_approver (user_id, waiting_since, approval_id)
    WHERE waiting_since IS NOT NULL;
CREATE INDEX approval_approver_due ON approval_approver (user_id, waiting_until, approval_id)
    WHERE waiting_since IS NOT NULL;

ALTER TABLE token_request ADD COLUMN expires_at {time};
ALTER TABLE token_request ADD COLUMN due_order {time} NOT NULL
    GENERATED ALWAYS AS (COALESCE(expires_at, '9999-12-31T00:00:00+00:00')) {computed};
UPDATE token_request SET expires_at = (SELECT t.expires_at FROM access_token t WHERE t.id = token_id)
    WHERE origin = 'GUICHET';
CREATE INDEX token_request_oldest ON token_request (organization_id, created_at, id)
    WHERE state = 'PENDING' AND origin = 'GUICHET';
CREATE INDEX token_request_due ON token_request (organization_id, due_order, id)
    WHERE state = 'PENDING' AND origin = 'GUICHET';
",
    down: "DROP INDEX token_request_due; DROP INDEX token_request_oldest;
ALTER TABLE token_request DROP COLUMN due_order; ALTER TABLE token_request DROP COLUMN expires_at;
DROP INDEX approval_approver_due; DROP INDEX approval_approver_oldest;
ALTER TABLE approval_approver DROP COLUMN waiting_until; ALTER TABLE approval_approver DROP COLUMN waiting_since;",
};
