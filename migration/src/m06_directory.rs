//! The groups that Guichet keeps itself, for the `DIRECTORY` connector.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m06_directory",
    up: r"
CREATE TABLE directory_group (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    connector_id {id} NOT NULL REFERENCES connector (id),
    origin_id text NOT NULL,
    display_name text NOT NULL,
    created_at {time} NOT NULL,
    UNIQUE (connector_id, origin_id)
);

CREATE TABLE directory_member (
    group_id {id} NOT NULL REFERENCES directory_group (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    role text NOT NULL CHECK (role IN ('member', 'owner')),
    created_at {time} NOT NULL,
    PRIMARY KEY (group_id, user_id, role)
);
CREATE INDEX directory_member_user ON directory_member (user_id);
",
    down: "DROP TABLE directory_member; DROP TABLE directory_group;",
};
