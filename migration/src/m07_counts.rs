//! Counting requests by state without reading them.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m07_counts",
    up: r"
DROP INDEX access_request_newest;
DROP INDEX access_request_package_newest;
CREATE INDEX access_request_newest ON access_request (organization_id, submitted_at, id, state);
CREATE INDEX access_request_package_newest ON access_request (access_package_id, submitted_at, id, state, organization_id);
",
    down: r"
DROP INDEX access_request_newest;
DROP INDEX access_request_package_newest;
CREATE INDEX access_request_newest ON access_request (organization_id, submitted_at, id);
CREATE INDEX access_request_package_newest ON access_request (access_package_id, submitted_at, id);
",
};
