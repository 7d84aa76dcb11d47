//! Assignments whose repair failed, the signed links with which requests were made, and managers of managers as
//! approvers.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m20_repairs",
    up: r"
ALTER TABLE assignment ADD COLUMN repair_failed_at {time};

ALTER TABLE access_request ADD COLUMN signed_link_id {id} REFERENCES signed_link (id);

ALTER TABLE policy_stage_approver ADD COLUMN manager_level integer CHECK (manager_level BETWEEN 1 AND 4);
UPDATE policy_stage_approver SET manager_level = 1 WHERE kind = 'MANAGER';
",
    down: "ALTER TABLE policy_stage_approver DROP COLUMN manager_level;
ALTER TABLE access_request DROP COLUMN signed_link_id;
ALTER TABLE assignment DROP COLUMN repair_failed_at;",
};
