//! The integration tests: one binary, one file a feature, each on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    missing_docs,
    reason = "tests say what they expect"
)]

#[macro_use]
mod harness;

mod access_tokens;
mod approvals;
mod architecture;
mod assignment_checks;
mod assignments;
mod audit;
mod audit_chain;
mod breaking;
mod building;
mod command_line;
mod connected_organizations;
mod connections;
mod connector_scim;
mod cross_organization;
mod delivery_at_odd_servers;
mod delivery_at_real_servers;
mod delivery_books;
mod delivery_faults;
mod delivery_findings;
mod delivery_odd_server;
mod demo;
mod disconnects;
mod email_sign_in;
mod enforcement;
mod expiring;
mod extensions;
mod graphql_http;
mod guests;
mod hostile;
mod http;
mod import_github;
mod inbox;
mod incompatible;
mod invariants;
mod issuer_sign_in;
mod limits;
mod mail;
mod notifications;
mod pages;
mod paging;
mod policies;
mod previews;
mod queues;
mod remote_accounts;
mod repositories;
mod reprocess;
mod requests;
mod resolution;
mod revocations;
mod role_matrix;
mod schema;
mod scim_delivery;
mod share_links;
mod signed_links;
mod storage;
mod token_policy;
mod token_review;
mod visibility;
mod webhooks;
