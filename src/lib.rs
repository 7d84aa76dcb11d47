//! Guichet: people request access, the right people decide, Guichet delivers it to the systems that
//! hold it, and shows what was delivered, what failed and why.
//!
//! # The map
//!
//! ```text
//!   http ──► graphql ──► domain ──► store ──► entity        migration
//!     │         │           ▲          ▲
//!     ▼         ▼           │          │
//!   authn ──► authz       worker ──► connector, mail        cli, demo, app: put it together
//! ```
//!
//! | where | what |
//! |---|---|
//! | [`http`] | the router, the GraphQL handler and its checks, sign-in, the pages (sources in `web/`) |
//! | [`authn`] | token → verified claims → [`authz::Viewer`]: issuers, key sets, sign-in at issuers, our own tokens |
//! | [`authz`] | THE table from roles to permissions; permits for commands, scopes for reads |
//! | [`graphql`] | the schema: one file a noun, with its type, inputs, queries and mutations |
//! | [`domain`] | the rules and commands: one folder a noun, one file a command |
//! | [`store`] | every statement, by noun; transactions; pages by keyset |
//! | [`worker`] | what is due: deliveries, starts and ends of assignments, bulk operations, mails, digests, events to seal |
//! | [`connector`] | the systems that hold access: one file a kind |
//! | [`mail`] | what a notification tells, as a message; the mail server |
//! | [`clock`] [`id`] [`domain_name`] [`secret`] [`config`] [`telemetry`] | leaves: time, ids, domains of addresses, secrets, settings, the log |
//! | `entity/` `migration/` | the tables, and how they came to be |
//!
//! # How a bulk reprocess flows
//!
//! 1. [`http::graphql`] knows the caller before it looks at the document, checks the document
//!    before it executes it, and gives the operation its context, [`graphql::api::Api`].
//! 2. [`graphql::access_request`] turns the input into a command with a
//!    [`Permit`](authz::Permit), which only the check can make.
//! 3. [`domain::command::run`] runs it as one transaction, to the end even when the caller hangs up.
//!    [`domain::access_request::reprocess`] locks the selected requests with their facts in one
//!    statement, judges each by one pure function (the same that serves the dry run and
//!    `viewerCanReprocess`), and changes the accepted ones as a set, with history, audit and items.
//! 4. [`worker`] claims the deliveries that are due, calls the [`connector`] outside of any
//!    transaction, and writes the outcome if the lease is still its own. The last outcome of a
//!    request completes it.
//!
//! # Where a feature goes
//!
//! A feature is a column through the tree: the same noun stands in `entity`, `store`, `domain` and
//! `graphql`. A new permission or role goes into [`authz::role`] and nowhere else; a new kind of
//! target system is one file in [`connector`]; new due work is one file in [`worker`]. The
//! directions in the picture are kept by a test.

pub mod app;
pub mod authn;
pub mod authz;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connector;
pub mod demo;
pub mod domain;
pub mod domain_name;
pub mod graphql;
pub mod http;
pub mod id;
pub mod mail;
pub mod secret;
pub mod store;
pub mod telemetry;
pub mod worker;
