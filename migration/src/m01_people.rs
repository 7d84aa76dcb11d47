//! Organizations, their domains, and their people.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m01_people",
    up: r"
CREATE TABLE installation (
    key text NOT NULL PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE organization (
    id {id} NOT NULL PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    display_name text NOT NULL,
    reprocess_window_seconds bigint NOT NULL CHECK (reprocess_window_seconds > 0),
    version integer NOT NULL,
    created_at {time} NOT NULL
);

CREATE TABLE organization_domain (
    domain text NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    position integer NOT NULL
);
CREATE INDEX organization_domain_organization ON organization_domain (organization_id, position);

CREATE TABLE app_user (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    issuer text NOT NULL,
    subject text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('MEMBER', 'GUEST')),
    state text NOT NULL CHECK (state IN ('ACTIVE', 'DEACTIVATED')),
    display_name text NOT NULL,
    name_key {key} NOT NULL,
    email text,
    manager_id {id} REFERENCES app_user (id),
    claimed_roles {json},
    claimed_at {time},
    deactivated_at {time},
    version integer NOT NULL,
    created_at {time} NOT NULL,
    UNIQUE (organization_id, issuer, subject)
);
CREATE INDEX app_user_name ON app_user (organization_id, name_key, id);
CREATE INDEX app_user_manager ON app_user (manager_id) WHERE manager_id IS NOT NULL;
",
    down: "DROP TABLE app_user; DROP TABLE organization_domain; DROP TABLE organization; DROP TABLE installation;",
};
