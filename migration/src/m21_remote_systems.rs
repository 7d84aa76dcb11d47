//! Remote systems, the accounts that people have there, and what Guichet gave them.
//!
//! Grants are made of the deliveries that there are: from the last success of each (system, target, role, user), or
//! from a try whose end is not known. No account is invented: deliveries find and keep them from now on.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::Change;

/// This change, which the two databases make in different ways: SQLite changes no constraint of a table.
pub(crate) struct RemoteSystems;

const TABLES: &str = r"
CREATE TABLE remote_system (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    address {key} NOT NULL,
    tenant text NOT NULL,
    created_at {time} NOT NULL,
    UNIQUE (organization_id, address, tenant)
);

CREATE TABLE remote_account (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    system_id {id} NOT NULL REFERENCES remote_system (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    remote_id text,
    user_name text,
    state text NOT NULL CHECK (state IN ('CREATING', 'LINKED', 'GONE', 'UNLINKED')),
    origin text NOT NULL CHECK (origin IN ('CREATED', 'EXTERNAL_ID', 'USER_NAME', 'EMAIL', 'LINKED')),
    linked_by_id {id} REFERENCES app_user (id),
    delivery_id {id},
    version integer NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX remote_account_one_user ON remote_account (system_id, user_id)
    WHERE state IN ('CREATING', 'LINKED');
CREATE UNIQUE INDEX remote_account_one_remote ON remote_account (system_id, remote_id) WHERE state = 'LINKED';
CREATE INDEX remote_account_newest ON remote_account (system_id, created_at, id);
CREATE INDEX remote_account_user ON remote_account (user_id, created_at, id);

CREATE TABLE entitlement_grant (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    system_id {id} NOT NULL REFERENCES remote_system (id),
    target {key} NOT NULL,
    role text NOT NULL,
    user_id {id} NOT NULL REFERENCES app_user (id),
    account_id {id} REFERENCES remote_account (id),
    origin text NOT NULL CHECK (origin IN ('GIVEN', 'EXISTED', 'UNKNOWN')),
    state text NOT NULL CHECK (state IN ('ABSENT', 'GIVING', 'HELD')),
    confirmed_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    UNIQUE (system_id, target, role, user_id)
);
CREATE INDEX entitlement_grant_target ON entitlement_grant (system_id, target, created_at, id);
CREATE INDEX entitlement_grant_user ON entitlement_grant (user_id, created_at, id);
CREATE INDEX entitlement_grant_account ON entitlement_grant (account_id);

ALTER TABLE connector ADD COLUMN remote_system_id {id} REFERENCES remote_system (id);
CREATE INDEX connector_system ON connector (remote_system_id);
ALTER TABLE connector ADD COLUMN account_name text NOT NULL DEFAULT 'EMAIL'
    CHECK (account_name IN ('EMAIL', 'EMAIL_LOCAL_PART', 'SUBJECT', 'USER_ID'));
ALTER TABLE connector ADD COLUMN match_by_email boolean NOT NULL DEFAULT TRUE;

INSERT INTO remote_system (id, organization_id, address, tenant, created_at)
    SELECT {new_id}, k.organization_id, k.address, '', min(k.created_at)
    FROM (SELECT organization_id, created_at, {address} AS address FROM connector) k
    GROUP BY k.organization_id, k.address;
UPDATE connector SET remote_system_id = (SELECT y.id FROM remote_system y
    WHERE y.organization_id = connector.organization_id AND y.tenant = '' AND y.address = {address});

INSERT INTO entitlement_grant (id, organization_id, system_id, target, role, user_id, origin, state, created_at, updated_at)
    SELECT {new_id}, f.organization_id, f.system_id, f.target, f.role, f.user_id,
        CASE WHEN f.given_at IS NOT NULL AND f.existed_at = f.given_at THEN 'EXISTED' ELSE 'GIVEN' END,
        CASE WHEN f.given_at IS NOT NULL AND (f.taken_at IS NULL OR f.taken_at < f.given_at) THEN 'HELD'
            WHEN f.tried_at IS NOT NULL AND (f.taken_at IS NULL OR f.taken_at < f.tried_at) THEN 'GIVING'
            ELSE 'ABSENT' END,
        f.created_at, f.updated_at
    FROM (SELECT s.organization_id, k.remote_system_id AS system_id, s.origin_id AS target, t.origin_id AS role, d.user_id,
            min(d.created_at) AS created_at, max(COALESCE(d.completed_at, d.error_at, d.created_at)) AS updated_at,
            max(CASE WHEN d.operation IN ('ADD', 'REPAIR') AND d.state = 'SUCCEEDED'
                AND d.result IN ('CHANGED', 'ALREADY_SO') THEN d.completed_at END) AS given_at,
            max(CASE WHEN d.operation = 'ADD' AND d.state = 'SUCCEEDED' AND d.existed_before
                THEN d.completed_at END) AS existed_at,
            max(CASE WHEN d.operation = 'REMOVE' AND d.state = 'SUCCEEDED'
                AND d.result IN ('CHANGED', 'ALREADY_SO', 'EXISTED_BEFORE') THEN d.completed_at END) AS taken_at,
            max(CASE WHEN d.operation IN ('ADD', 'REPAIR') AND d.attempt_count > 0
                AND (d.state IN ('IN_PROGRESS', 'CANCELED') OR (d.state <> 'SUCCEEDED' AND d.error_retryable))
                THEN COALESCE(d.error_at, d.created_at) END) AS tried_at
        FROM delivery d JOIN resource_role t ON t.id = d.resource_role_id
        JOIN resource s ON s.id = t.resource_id JOIN connector k ON k.id = d.connector_id
        WHERE d.operation <> 'COMPARE'
        GROUP BY s.organization_id, k.remote_system_id, s.origin_id, t.origin_id, d.user_id) f;
";

/// The grant of a delivery, by what it is about.
macro_rules! grant_of {
    ($join:literal) => {
        concat!(
            "entitlement_grant x JOIN connector k ON k.remote_system_id = x.system_id
    JOIN resource s ON s.origin_id = x.target JOIN resource_role t ON t.resource_id = s.id AND t.origin_id = x.role
    ",
            $join,
            " d.connector_id = k.id AND d.resource_role_id = t.id AND d.user_id = x.user_id"
        )
    };
}

const INDEXES: &str = "
CREATE INDEX delivery_grant ON delivery (grant_id, id);
CREATE INDEX delivery_unlinked ON delivery (id) WHERE grant_id IS NULL;
";

const RESULTS: &str =
    "'CHANGED', 'ALREADY_SO', 'STILL_NEEDED', 'EXISTED_BEFORE', 'NO_LONGER_WANTED', 'MISSING',
    'ACCOUNT_GONE', 'TARGET_GONE', 'RESOLVED_MANUALLY'";

const RESULTS_BEFORE: &str =
    "'CHANGED', 'ALREADY_SO', 'STILL_NEEDED', 'EXISTED_BEFORE', 'NO_LONGER_WANTED', 'MISSING'";

const NAMES: &str = "id, organization_id, request_id, assignment_id, user_id, resource_role_id, connector_id, operation, state,
    result, existed_before, attempt_count, attempt_in_round, round, retry_until, hold_until, due_at, lease, error_code,
    error_message, error_retryable, error_status, error_at, created_at, completed_at, bulk_operation_id";

/// The table of SQLite made anew, with these results, and with a column after the others.
fn rebuilt(results: &str, column: &str, rows: &str) -> String {
    format!(
        "
CREATE TABLE delivery_new (
    id {{id}} NOT NULL PRIMARY KEY,
    organization_id {{id}} NOT NULL REFERENCES organization (id),
    request_id {{id}} NOT NULL REFERENCES access_request (id),
    assignment_id {{id}} NOT NULL REFERENCES assignment (id),
    user_id {{id}} NOT NULL REFERENCES app_user (id),
    resource_role_id {{id}} NOT NULL REFERENCES resource_role (id),
    connector_id {{id}} NOT NULL REFERENCES connector (id),
    operation text NOT NULL CHECK (operation IN ('ADD', 'REMOVE', 'REPAIR', 'COMPARE')),
    state text NOT NULL CHECK (state IN ('PENDING', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'CANCELED')),
    result text CHECK (result IN ({results})),
    existed_before boolean,
    attempt_count integer NOT NULL,
    attempt_in_round integer NOT NULL,
    round integer NOT NULL,
    retry_until {{time}},
    hold_until {{time}},
    due_at {{time}},
    lease {{id}},
    error_code text,
    error_message text,
    error_retryable boolean,
    error_status integer,
    error_at {{time}},
    created_at {{time}} NOT NULL,
    completed_at {{time}},
    bulk_operation_id {{id}}{column}
);
{rows}
DROP TABLE delivery;
ALTER TABLE delivery_new RENAME TO delivery;
CREATE INDEX delivery_request ON delivery (request_id, id);
CREATE INDEX delivery_assignment ON delivery (assignment_id);
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_order ON delivery (user_id, resource_role_id, id);
CREATE INDEX delivery_role ON delivery (resource_role_id);
CREATE INDEX delivery_check ON delivery (bulk_operation_id, assignment_id) WHERE bulk_operation_id IS NOT NULL;
"
    )
}

fn up(backend: DbBackend) -> String {
    let (new_id, address) = match backend {
        DbBackend::Postgres => (
            "gen_random_uuid()",
            "COALESCE(rtrim(base_url, '/'), 'directory:' || replace(id::text, '-', ''))",
        ),
        _ => ("randomblob(16)", "COALESCE(rtrim(base_url, '/'), 'directory:' || lower(hex(id)))"),
    };
    let tables = TABLES.replace("{new_id}", new_id).replace("{address}", address);
    let delivery = if backend == DbBackend::Postgres {
        format!(
            "ALTER TABLE delivery ADD COLUMN grant_id {{id}} REFERENCES entitlement_grant (id);
ALTER TABLE delivery DROP CONSTRAINT delivery_result_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_result_check CHECK (result IN ({RESULTS}));
UPDATE delivery d SET grant_id = x.id FROM {};
",
            grant_of!("WHERE")
        )
    } else {
        let of_each = grant_of!("WHERE");
        let rows = format!(
            "INSERT INTO delivery_new ({NAMES}, grant_id)
    SELECT {}, (SELECT x.id FROM {of_each}) FROM delivery d;",
            NAMES.split(',').map(|name| format!("d.{}", name.trim())).collect::<Vec<_>>().join(", ")
        );
        rebuilt(RESULTS, ",\n    grant_id {id} REFERENCES entitlement_grant (id)", &rows)
    };
    [&tables, &delivery, INDEXES].concat()
}

const DROP: &str = "
DROP INDEX connector_system;
ALTER TABLE connector DROP COLUMN remote_system_id;
ALTER TABLE connector DROP COLUMN account_name;
ALTER TABLE connector DROP COLUMN match_by_email;
DROP TABLE entitlement_grant;
DROP TABLE remote_account;
DROP TABLE remote_system;
";

/// Results that the schema before did not know become the one that is nearest.
const DOWN_ROWS: &str = "UPDATE delivery SET result = 'ALREADY_SO'
    WHERE result IN ('ACCOUNT_GONE', 'TARGET_GONE', 'RESOLVED_MANUALLY');
";

fn down(backend: DbBackend) -> String {
    let delivery = if backend == DbBackend::Postgres {
        format!(
            "ALTER TABLE delivery DROP COLUMN grant_id;
ALTER TABLE delivery DROP CONSTRAINT delivery_result_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_result_check CHECK (result IN ({RESULTS_BEFORE}));
"
        )
    } else {
        let rows = format!("INSERT INTO delivery_new ({NAMES}) SELECT {NAMES} FROM delivery;");
        rebuilt(RESULTS_BEFORE, "", &rows)
    };
    [DOWN_ROWS, &delivery, DROP].concat()
}

impl MigrationName for RemoteSystems {
    fn name(&self) -> &'static str {
        "m21_remote_systems"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for RemoteSystems {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Change::run(manager, &up(manager.get_database_backend())).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Change::run(manager, &down(manager.get_database_backend())).await
    }

    /// A change is done whole or not at all, on SQLite, too.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
