//! Who added a resource role to a package, and whether it could not be given to those who held the package; stages end
//! no later than what their requests ask for; requests end with their assignments.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m22_delivery_books",
    up: r"
ALTER TABLE access_package_resource_role ADD COLUMN added_by_id {id} REFERENCES app_user (id);
ALTER TABLE access_package_resource_role ADD COLUMN delivery_failed_at {time};
CREATE INDEX access_package_resource_role_failed ON access_package_resource_role (delivery_failed_at)
    WHERE delivery_failed_at IS NOT NULL;

UPDATE approval SET expires_at = (SELECT r.requested_end FROM access_request r WHERE r.id = request_id)
    WHERE state = 'PENDING' AND EXISTS (SELECT 1 FROM access_request r
        WHERE r.id = request_id AND r.requested_end < approval.expires_at);
UPDATE approval SET due_at = expires_at WHERE state = 'PENDING' AND due_at > expires_at;
UPDATE approval_approver SET waiting_until = (SELECT a.expires_at FROM approval a WHERE a.id = approval_id)
    WHERE waiting_until IS NOT NULL;

INSERT INTO access_request_event (request_id, seq, at, action, from_state, to_state, actor_id, reason, bulk_operation_id)
    SELECT r.id, r.event_count + 1, COALESCE(g.ended_at, r.last_completed_at, r.submitted_at), 'CANCELED', r.state,
        'CANCELED', NULL, 'ASSIGNMENT_ENDED', NULL
    FROM access_request r JOIN assignment g ON g.request_id = r.id
    WHERE r.state IN ('SCHEDULED', 'PARTIALLY_DELIVERED', 'DELIVERY_FAILED') AND g.state IN ('REVOKING', 'ENDED');
UPDATE access_request SET state = 'CANCELED', event_count = event_count + 1,
    last_completed_at = (SELECT COALESCE(g.ended_at, access_request.last_completed_at, access_request.submitted_at)
        FROM assignment g WHERE g.request_id = access_request.id),
    completed_at = COALESCE(completed_at, (SELECT COALESCE(g.ended_at, access_request.submitted_at)
        FROM assignment g WHERE g.request_id = access_request.id))
    WHERE state IN ('SCHEDULED', 'PARTIALLY_DELIVERED', 'DELIVERY_FAILED') AND EXISTS (SELECT 1 FROM assignment g
        WHERE g.request_id = access_request.id AND g.state IN ('REVOKING', 'ENDED'));
",
    down: "DROP INDEX access_package_resource_role_failed;
ALTER TABLE access_package_resource_role DROP COLUMN delivery_failed_at;
ALTER TABLE access_package_resource_role DROP COLUMN added_by_id;",
};
