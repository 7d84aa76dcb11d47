//! Policies complete: questions, extension, requests by managers, fallback and alternate approvers;
//! packages that exclude one another.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m14_policies",
    up: r"
ALTER TABLE assignment_policy ADD COLUMN questions {json};
ALTER TABLE assignment_policy ADD COLUMN custom_schedule boolean NOT NULL DEFAULT TRUE;
ALTER TABLE assignment_policy ADD COLUMN managers_may_request boolean NOT NULL DEFAULT FALSE;
ALTER TABLE assignment_policy ADD COLUMN extension text NOT NULL DEFAULT 'NOT_ALLOWED'
    CHECK (extension IN ('NOT_ALLOWED', 'WITHOUT_APPROVAL', 'WITH_APPROVAL'));

ALTER TABLE policy_stage ADD COLUMN alternates_after_seconds bigint;
ALTER TABLE policy_stage ADD COLUMN approvers_visible boolean NOT NULL DEFAULT FALSE;
ALTER TABLE policy_stage_approver ADD COLUMN part text NOT NULL DEFAULT 'PRIMARY'
    CHECK (part IN ('PRIMARY', 'FALLBACK', 'ALTERNATE'));

ALTER TABLE approval ADD COLUMN alternates_at {time};
ALTER TABLE approval ADD COLUMN approvers_visible boolean NOT NULL DEFAULT FALSE;

CREATE TABLE approval_approver_again (
    approval_id {id} NOT NULL REFERENCES approval (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    ground text NOT NULL CHECK (ground IN ('USER', 'MANAGER', 'CATALOG_ROLE', 'SPONSOR', 'FALLBACK', 'ALTERNATE')),
    catalog_role text,
    PRIMARY KEY (approval_id, user_id)
);
INSERT INTO approval_approver_again SELECT approval_id, user_id, ground, catalog_role FROM approval_approver;
DROP TABLE approval_approver;
ALTER TABLE approval_approver_again RENAME TO approval_approver;
CREATE INDEX approval_approver_user ON approval_approver (user_id, approval_id);

ALTER TABLE access_request ADD COLUMN answers {json};
CREATE UNIQUE INDEX access_request_one_extension ON access_request (assignment_id)
    WHERE kind = 'USER_EXTEND' AND state IN ('SUBMITTED', 'PENDING_APPROVAL', 'SCHEDULED', 'DELIVERING');

CREATE TABLE access_package_incompatible (
    access_package_id {id} NOT NULL REFERENCES access_package (id),
    incompatible_id {id} NOT NULL REFERENCES access_package (id),
    PRIMARY KEY (access_package_id, incompatible_id),
    CHECK (access_package_id <> incompatible_id)
);
CREATE INDEX access_package_incompatible_with ON access_package_incompatible (incompatible_id);
",
    down: "DROP TABLE access_package_incompatible; DROP INDEX access_request_one_extension;
ALTER TABLE access_request DROP COLUMN answers;
DELETE FROM approval_approver WHERE ground IN ('SPONSOR', 'ALTERNATE');
ALTER TABLE approval DROP COLUMN approvers_visible; ALTER TABLE approval DROP COLUMN alternates_at;
ALTER TABLE policy_stage_approver DROP COLUMN part;
ALTER TABLE policy_stage DROP COLUMN approvers_visible; ALTER TABLE policy_stage DROP COLUMN alternates_after_seconds;
ALTER TABLE assignment_policy DROP COLUMN extension; ALTER TABLE assignment_policy DROP COLUMN managers_may_request;
ALTER TABLE assignment_policy DROP COLUMN custom_schedule; ALTER TABLE assignment_policy DROP COLUMN questions;",
};
