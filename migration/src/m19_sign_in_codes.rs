//! Sign-in of people from outside by a code that is mailed to them, and the keys that sign their tokens.
//!
//! Of an address there is one row: its newest code, and how many were asked for within the hour.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m19_sign_in_codes",
    up: r"
ALTER TABLE organization ADD COLUMN email_sign_in boolean NOT NULL DEFAULT false;

CREATE TABLE sign_in_code (
    organization_id {id} NOT NULL REFERENCES organization (id),
    address text NOT NULL,
    id {id} NOT NULL UNIQUE,
    code text NOT NULL,
    expires_at {time} NOT NULL,
    tries_left integer NOT NULL CHECK (tries_left >= 0),
    asked_at {time} NOT NULL,
    ask_count integer NOT NULL CHECK (ask_count > 0),
    due_at {time},
    lease {id},
    attempt_count integer NOT NULL,
    PRIMARY KEY (organization_id, address)
);
CREATE INDEX sign_in_code_due ON sign_in_code (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX sign_in_code_asked ON sign_in_code (asked_at);

CREATE TABLE signing_key (
    id {id} NOT NULL PRIMARY KEY,
    number integer NOT NULL UNIQUE,
    private_key text NOT NULL,
    public_key {json} NOT NULL,
    created_at {time} NOT NULL
);
",
    down: "DROP TABLE signing_key; DROP TABLE sign_in_code;
ALTER TABLE organization DROP COLUMN email_sign_in;",
};
