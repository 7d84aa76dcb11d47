//! What was imported from elsewhere, and webhooks.
//!
//! Imported tokens, requests and grants stand in the same tables as Guichet's own, so that lists, filters
//! and pages are the same; `origin` tells them apart. Their owners are rows of `app_user` that are no users.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m11_external",
    up: r"
ALTER TABLE app_user ADD COLUMN origin text NOT NULL DEFAULT 'GUICHET' CHECK (origin IN ('GUICHET', 'GITHUB'));
ALTER TABLE access_token ADD COLUMN origin text NOT NULL DEFAULT 'GUICHET' CHECK (origin IN ('GUICHET', 'GITHUB'));
ALTER TABLE access_token ADD COLUMN external_id {key};
ALTER TABLE token_request ADD COLUMN origin text NOT NULL DEFAULT 'GUICHET' CHECK (origin IN ('GUICHET', 'GITHUB'));
ALTER TABLE token_request ADD COLUMN external_id {key};
ALTER TABLE token_grant ADD COLUMN origin text NOT NULL DEFAULT 'GUICHET' CHECK (origin IN ('GUICHET', 'GITHUB'));
ALTER TABLE token_grant ADD COLUMN external_id {key};
CREATE UNIQUE INDEX access_token_external ON access_token (organization_id, origin, external_id)
    WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX token_request_external ON token_request (organization_id, origin, external_id)
    WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX token_grant_external ON token_grant (organization_id, origin, external_id)
    WHERE external_id IS NOT NULL;

CREATE TABLE webhook (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    display_name text NOT NULL,
    name_key {key} NOT NULL,
    url text NOT NULL,
    secret text NOT NULL,
    enabled boolean NOT NULL,
    created_by_id {id} NOT NULL REFERENCES app_user (id),
    version integer NOT NULL,
    created_at {time} NOT NULL,
    deleted_at {time}
);
CREATE UNIQUE INDEX webhook_name ON webhook (organization_id, name_key) WHERE deleted_at IS NULL;

CREATE TABLE webhook_delivery (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    webhook_id {id} NOT NULL REFERENCES webhook (id),
    action text NOT NULL CHECK (action IN ('CREATED', 'APPROVED', 'DENIED', 'CANCELLED')),
    request_id {id} NOT NULL,
    body text NOT NULL,
    state text NOT NULL CHECK (state IN ('PENDING', 'SUCCEEDED', 'FAILED', 'CANCELED')),
    attempt_count integer NOT NULL,
    attempt_in_round integer NOT NULL,
    retry_until {time} NOT NULL,
    due_at {time},
    lease {id},
    error_code text,
    error_message text,
    response_status integer,
    attempted_at {time},
    created_at {time} NOT NULL,
    completed_at {time}
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_delivery_newest ON webhook_delivery (webhook_id, created_at, id, state);

CREATE TABLE webhook_attempt (
    delivery_id {id} NOT NULL,
    number integer NOT NULL,
    started_at {time} NOT NULL,
    finished_at {time} NOT NULL,
    error_code text,
    error_message text,
    response_status integer,
    PRIMARY KEY (delivery_id, number)
);
",
    down: "DROP TABLE webhook_attempt; DROP TABLE webhook_delivery; DROP TABLE webhook;
DROP INDEX token_grant_external; DROP INDEX token_request_external; DROP INDEX access_token_external;
ALTER TABLE token_grant DROP COLUMN external_id; ALTER TABLE token_grant DROP COLUMN origin;
ALTER TABLE token_request DROP COLUMN external_id; ALTER TABLE token_request DROP COLUMN origin;
ALTER TABLE access_token DROP COLUMN external_id; ALTER TABLE access_token DROP COLUMN origin;
ALTER TABLE app_user DROP COLUMN origin;",
};
