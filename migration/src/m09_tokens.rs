//! Access tokens, the requests for what they may do, and what was granted.
//!
//! A grant has no rows of its own for its repositories and permissions: it is what its request asked for,
//! and those rows are never changed. What only follows (`…_order`) is kept by the database: the sort keys
//! of tokens that never expire, and of those that were never used.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m09_tokens",
    up: r"
CREATE TABLE access_token (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    owner_id {id} NOT NULL REFERENCES app_user (id),
    kind text NOT NULL CHECK (kind IN ('FINE_GRAINED', 'CLASSIC')),
    name text NOT NULL,
    lookup {key} NOT NULL,
    secret_hash text NOT NULL,
    last_four text NOT NULL,
    issued_at {time} NOT NULL,
    expires_at {time},
    last_used_at {time},
    revoked_at {time},
    due_at {time},
    version integer NOT NULL,
    created_at {time} NOT NULL,
    expires_order {time} NOT NULL GENERATED ALWAYS AS (COALESCE(expires_at, '9999-12-31T00:00:00+00:00')) STORED,
    last_used_order {time} NOT NULL GENERATED ALWAYS AS (COALESCE(last_used_at, '1970-01-01T00:00:00+00:00')) STORED
);
CREATE UNIQUE INDEX access_token_lookup ON access_token (lookup);
CREATE INDEX access_token_owner_newest ON access_token (owner_id, created_at, id);
CREATE INDEX access_token_expires ON access_token (expires_order, id);
CREATE INDEX access_token_last_used ON access_token (last_used_order, id);
CREATE INDEX access_token_due ON access_token (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE access_token_scope (
    token_id {id} NOT NULL,
    scope {key} NOT NULL,
    PRIMARY KEY (token_id, scope)
);

CREATE TABLE token_request (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    token_id {id} NOT NULL REFERENCES access_token (id),
    owner_id {id} NOT NULL REFERENCES app_user (id),
    state text NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'DENIED', 'CANCELED', 'EXPIRED')),
    justification text,
    repository_selection text NOT NULL CHECK (repository_selection IN ('NONE', 'ALL', 'SUBSET')),
    follows_id {id},
    base_id {id},
    automatic_reason text CHECK (automatic_reason IN ('OWNER', 'APPROVAL_NOT_REQUIRED', 'PUBLIC_ONLY', 'NARROWED')),
    cancel_reason text CHECK (cancel_reason IN ('REQUESTER', 'SUPERSEDED', 'TOKEN_REVOKED', 'MEMBER_LEFT', 'GRANT_REVOKED')),
    reviewed_by_id {id},
    reviewed_at {time},
    review_reason text,
    closed_at {time},
    created_at {time} NOT NULL,
    event_count integer NOT NULL
);
CREATE UNIQUE INDEX token_request_one_pending ON token_request (token_id, organization_id) WHERE state = 'PENDING';
CREATE INDEX token_request_waiting ON token_request (organization_id, created_at, id) WHERE state = 'PENDING';
CREATE INDEX token_request_newest ON token_request (organization_id, created_at, id, state);
CREATE INDEX token_request_owner_newest ON token_request (owner_id, created_at, id, state, organization_id);
CREATE INDEX token_request_token_newest ON token_request (token_id, created_at, id);

CREATE TABLE token_request_repository (
    request_id {id} NOT NULL,
    repository_id {id} NOT NULL,
    PRIMARY KEY (request_id, repository_id)
);
CREATE INDEX token_request_repository_named ON token_request_repository (repository_id, request_id);

CREATE TABLE token_request_permission (
    request_id {id} NOT NULL,
    target text NOT NULL CHECK (target IN ('ORGANIZATION', 'REPOSITORY')),
    name {key} NOT NULL,
    level text NOT NULL CHECK (level IN ('READ', 'WRITE', 'ADMIN')),
    PRIMARY KEY (request_id, target, name)
);
CREATE INDEX token_request_permission_named ON token_request_permission (name, level, request_id);

CREATE TABLE token_request_event (
    request_id {id} NOT NULL,
    seq integer NOT NULL,
    at {time} NOT NULL,
    action text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    actor_id {id},
    reason text,
    bulk_operation_id {id},
    PRIMARY KEY (request_id, seq)
);

CREATE TABLE token_grant (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    token_id {id} NOT NULL REFERENCES access_token (id),
    owner_id {id} NOT NULL REFERENCES app_user (id),
    request_id {id} NOT NULL REFERENCES token_request (id),
    state text NOT NULL CHECK (state IN ('ACTIVE', 'REVOKED', 'SUPERSEDED', 'SUSPENDED', 'ENDED')),
    repository_selection text NOT NULL CHECK (repository_selection IN ('NONE', 'ALL', 'SUBSET')),
    granted_at {time} NOT NULL,
    granted_by_id {id},
    ended_at {time},
    ended_by_id {id},
    end_reason text
);
CREATE UNIQUE INDEX token_grant_one_active ON token_grant (token_id, organization_id) WHERE state = 'ACTIVE';
CREATE INDEX token_grant_newest ON token_grant (organization_id, granted_at, id, state);
CREATE INDEX token_grant_owner_newest ON token_grant (owner_id, granted_at, id, state, organization_id);
CREATE INDEX token_grant_token_newest ON token_grant (token_id, granted_at, id);
CREATE UNIQUE INDEX token_grant_request ON token_grant (request_id);

ALTER TABLE bulk_operation ADD COLUMN decision text;
ALTER TABLE bulk_operation ADD COLUMN reason text;
",
    down: "ALTER TABLE bulk_operation DROP COLUMN reason; ALTER TABLE bulk_operation DROP COLUMN decision;
DROP TABLE token_grant; DROP TABLE token_request_event; DROP TABLE token_request_permission;
DROP TABLE token_request_repository; DROP TABLE token_request; DROP TABLE access_token_scope; DROP TABLE access_token;",
};
