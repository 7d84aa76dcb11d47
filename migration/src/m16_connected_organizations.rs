//! Connected organizations with what they are known by and who stands for them, and the guests who come from them.
//!
//! A guest who was blocked or removed stays a deactivated user for everything that asks whether somebody may act;
//! `guest_end` tells which of the two it is.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m16_connected_organizations",
    up: r"
CREATE TABLE connected_organization (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    display_name text NOT NULL,
    name_key {key} NOT NULL,
    description text NOT NULL,
    state text NOT NULL CHECK (state IN ('CONFIGURED', 'PROPOSED')),
    proposed_at {time},
    version integer NOT NULL,
    created_at {time} NOT NULL,
    deleted_at {time}
);
CREATE UNIQUE INDEX connected_organization_unique_name ON connected_organization (organization_id, name_key)
    WHERE deleted_at IS NULL;
CREATE INDEX connected_organization_name ON connected_organization (organization_id, name_key, id);
CREATE INDEX connected_organization_proposed ON connected_organization (organization_id, proposed_at)
    WHERE proposed_at IS NOT NULL;

CREATE TABLE identity_source (
    connected_organization_id {id} NOT NULL REFERENCES connected_organization (id),
    position integer NOT NULL,
    organization_id {id} NOT NULL REFERENCES organization (id),
    kind text NOT NULL CHECK (kind IN ('ISSUER', 'TENANT', 'DOMAIN')),
    issuer text NOT NULL,
    claim text NOT NULL,
    value text NOT NULL,
    vouchers {json},
    PRIMARY KEY (connected_organization_id, position),
    UNIQUE (organization_id, kind, issuer, claim, value),
    CHECK ((kind = 'DOMAIN') = (vouchers IS NOT NULL))
);

CREATE TABLE connected_organization_sponsor (
    connected_organization_id {id} NOT NULL REFERENCES connected_organization (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    PRIMARY KEY (connected_organization_id, user_id)
);
CREATE INDEX connected_organization_sponsor_user ON connected_organization_sponsor (user_id);

CREATE TABLE policy_connected_organization (
    policy_id {id} NOT NULL REFERENCES assignment_policy (id),
    connected_organization_id {id} NOT NULL REFERENCES connected_organization (id),
    PRIMARY KEY (policy_id, connected_organization_id)
);
CREATE INDEX policy_connected_organization_named ON policy_connected_organization (connected_organization_id);

ALTER TABLE app_user ADD COLUMN connected_organization_id {id} REFERENCES connected_organization (id);
ALTER TABLE app_user ADD COLUMN guest_end text CHECK (guest_end IN ('BLOCKED', 'REMOVED'));
ALTER TABLE app_user ADD COLUMN guest_end_at {time};
ALTER TABLE app_user ADD COLUMN unblocked_at {time};
CREATE INDEX app_user_connected ON app_user (connected_organization_id) WHERE connected_organization_id IS NOT NULL;
CREATE INDEX app_user_active_guest ON app_user (organization_id, created_at) WHERE kind = 'GUEST' AND state = 'ACTIVE';
CREATE INDEX app_user_blocked_guest ON app_user (organization_id, guest_end_at) WHERE guest_end = 'BLOCKED';

ALTER TABLE organization ADD COLUMN guest_block_after_seconds bigint NOT NULL DEFAULT 2592000
    CHECK (guest_block_after_seconds > 0);
ALTER TABLE organization ADD COLUMN guest_remove_after_seconds bigint NOT NULL DEFAULT 2592000
    CHECK (guest_remove_after_seconds > 0);

CREATE TABLE guest_step (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    step text NOT NULL CHECK (step IN ('BLOCKED', 'UNBLOCKED', 'REMOVED')),
    at {time} NOT NULL,
    since {time},
    actor_id {id} REFERENCES app_user (id)
);
CREATE INDEX guest_step_newest ON guest_step (organization_id, at, id);
CREATE INDEX guest_step_user ON guest_step (user_id, at, id);
",
    down: "DROP TABLE guest_step;
ALTER TABLE organization DROP COLUMN guest_remove_after_seconds;
ALTER TABLE organization DROP COLUMN guest_block_after_seconds;
DROP INDEX app_user_blocked_guest; DROP INDEX app_user_active_guest; DROP INDEX app_user_connected;
ALTER TABLE app_user DROP COLUMN unblocked_at; ALTER TABLE app_user DROP COLUMN guest_end_at;
ALTER TABLE app_user DROP COLUMN guest_end; ALTER TABLE app_user DROP COLUMN connected_organization_id;
DROP TABLE policy_connected_organization; DROP TABLE connected_organization_sponsor; DROP TABLE identity_source;
DROP TABLE connected_organization;",
};
