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
",
    down:
        "DROP INDEX token_grant_external; DROP INDEX token_request_external; DROP INDEX access_token_external;
ALTER TABLE token_grant DROP COLUMN external_id; ALTER TABLE token_grant DROP COLUMN origin;
ALTER TABLE token_request DROP COLUMN external_id; ALTER TABLE token_request DROP COLUMN origin;
ALTER TABLE access_token DROP COLUMN external_id; ALTER TABLE access_token DROP COLUMN origin;
ALTER TABLE app_user DROP COLUMN origin;",
};
