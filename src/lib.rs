//! Guichet: access governance with a GraphQL API.

pub mod app;
pub mod authn;
pub mod authz;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connector;
pub mod demo;
pub mod domain;
pub mod graphql;
pub mod http;
pub mod id;
pub mod secret;
pub mod store;
pub mod telemetry;
pub mod worker;
