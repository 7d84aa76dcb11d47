//! A running server with the demo's story, on either database, with a clock that is set by hand.

pub mod database;
pub mod fault_proxy;
pub mod mailbox;
pub mod npm;
pub mod odd_scim;
pub mod provider;
pub mod python;
pub mod scim_world;
pub mod server;
pub mod tokens;

pub use database::Kind;
pub use server::{Answer, Server, codes};

/// Defines tests that run on both databases: `name::sqlite` and `name::postgres`.
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($server:ident: Server) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn check($server: $crate::harness::Server) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                if let Some(server) = $crate::harness::Server::start($crate::harness::Kind::Sqlite).await {
                    check(server).await;
                }
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(server) = $crate::harness::Server::start($crate::harness::Kind::Postgres).await {
                    check(server).await;
                }
            }
        }
    )*};
}
