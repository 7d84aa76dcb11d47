//! Which statements change something that a judgement of an access token depends on.
//!
//! What was told of tokens is remembered for a moment, and forgotten at such a change.
//! Deliveries, mails and requests for packages change all the time, and concern no
//! token: they are listed here, and every other table is taken to matter.

/// The tables of which no judgement of a token depends.
const APART: [&str; 45] = [
    "access_package",
    "access_package_incompatible",
    "access_package_resource_role",
    "access_request",
    "access_request_event",
    "approval",
    "approval_approver",
    "assignment",
    "assignment_policy",
    "audit_chain",
    "audit_event",
    "bulk_operation",
    "bulk_operation_item",
    "catalog",
    "catalog_role_assignment",
    "connected_organization",
    "connected_organization_sponsor",
    "connector",
    "connector_opening",
    "delivery",
    "delivery_attempt",
    "directory_group",
    "directory_member",
    "entitlement_grant",
    "guest_step",
    "idempotency_key",
    "identity_source",
    "installation",
    "notification",
    "notification_once",
    "notification_preference",
    "organization_digest",
    "policy_connected_organization",
    "policy_stage",
    "policy_stage_approver",
    "policy_user",
    "remote_account",
    "remote_system",
    "resource",
    "resource_role",
    "signed_link",
    "sign_in_code",
    "signing_key",
    "webhook_attempt",
    "webhook_delivery",
];

/// Whether a judgement of a token depends on the table.
pub(super) fn concerns_tokens(table: &str) -> bool {
    !APART.contains(&table)
}

/// Whether the statement writes into such a table.
pub(super) fn changes_tokens(statement: &str) -> bool {
    let words = statement.split([' ', '\n', '(', ')', ',']).filter(|word| !word.is_empty());
    let mut before = ["", ""];
    for word in words {
        let writes = match before {
            [_, "INTO"] | ["DELETE", "FROM"] => true,
            // Not `FOR UPDATE` and `DO UPDATE`.
            [first, "UPDATE"] => !matches!(first, "FOR" | "DO"),
            _ => false,
        };
        if writes && concerns_tokens(word.trim_matches('"')) {
            return true;
        }
        before = [before[1], word];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_known_by_the_tables_that_they_write() {
        for (statement, expected) in [
            ("SELECT 1 FROM access_token t WHERE t.id = $1 FOR UPDATE OF t", false),
            ("UPDATE access_token SET revoked_at = $1", true),
            ("UPDATE delivery SET state = $1 FROM access_token t", false),
            ("INSERT INTO \"token_grant\" (\"id\") VALUES ($1)", true),
            ("INSERT INTO notification_preference (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1", false),
            ("DELETE FROM repository_access WHERE id = $1", true),
            ("DELETE FROM notification_once WHERE at < $1", false),
            ("WITH gone AS (UPDATE app_user SET state = $1 RETURNING id) SELECT id FROM gone", true),
            ("WITH picked AS (SELECT 1) UPDATE delivery SET lease = NULL", false),
            ("INSERT INTO something_new(id) VALUES (1)", true),
        ] {
            assert_eq!(changes_tokens(statement), expected, "{statement}");
        }
    }

    #[test]
    fn the_tables_that_matter_are_these() {
        let made = [
            "access_token",
            "access_token_scope",
            "app_user",
            "introspection_client",
            "organization",
            "organization_access",
            "permission_definition",
            "permission_definition_scope",
            "repository",
            "repository_access",
            "token_grant",
            "token_request",
            "token_request_permission",
            "token_request_repository",
        ];
        assert!(made.iter().all(|table| concerns_tokens(table)));
    }
}
