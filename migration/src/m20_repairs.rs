//! Assignments whose repair failed, and the signed links with which requests were made.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m20_repairs",
    up: r"
ALTER TABLE assignment ADD COLUMN repair_failed_at {time};

ALTER TABLE access_request ADD COLUMN signed_link_id {id} REFERENCES signed_link (id);
",
    down: "ALTER TABLE access_request DROP COLUMN signed_link_id;
ALTER TABLE assignment DROP COLUMN repair_failed_at;",
};
