//! Signed links to packages, and the policies that require one.
//!
//! The secret of a link is told once; its hash is kept, and the part that it is found by.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m18_share_links",
    up: r"
CREATE TABLE signed_link (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    access_package_id {id} NOT NULL REFERENCES access_package (id),
    label text NOT NULL,
    lookup text NOT NULL UNIQUE,
    secret_hash text NOT NULL,
    connected_organization_id {id} REFERENCES connected_organization (id),
    expires_at {time},
    maximum_uses integer CHECK (maximum_uses > 0),
    uses integer NOT NULL CHECK (uses >= 0),
    openings bigint NOT NULL,
    created_by_id {id} NOT NULL REFERENCES app_user (id),
    created_at {time} NOT NULL,
    revoked_at {time},
    revoked_by_id {id} REFERENCES app_user (id),
    CHECK (uses <= maximum_uses)
);
CREATE INDEX signed_link_package ON signed_link (access_package_id, created_at, id);

ALTER TABLE assignment_policy ADD COLUMN requires_signed_link boolean NOT NULL DEFAULT FALSE;
",
    down: "ALTER TABLE assignment_policy DROP COLUMN requires_signed_link; DROP TABLE signed_link;",
};
