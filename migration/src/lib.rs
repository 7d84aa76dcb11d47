//! The changes of Guichet's database schema: one file, one change.
//!
//! Changes are written as SQL with literal names, and never name the `entity`
//! crate: what a release did to a database must not change when an entity does.
//! The words in braces stand for what the two databases call differently; see [`Change`].

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

mod m01_people;
mod m02_catalogs;
mod m03_requests;
mod m04_bulk;
mod m05_audit;
mod m06_directory;
mod m07_counts;
mod m08_repositories;
mod m09_tokens;
mod m10_notifications;
mod m11_external;
mod m12_approvals;
mod m13_audit_chain;
mod m14_policies;
mod m15_checks;
mod m16_connected_organizations;
mod m17_inbox;
mod m18_share_links;
mod m19_sign_in_codes;
mod m20_repairs;
mod m21_remote_systems;
mod m22_delivery_books;
mod m23_delivery_queue;

/// All changes, in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m01_people::CHANGE),
            Box::new(m02_catalogs::CHANGE),
            Box::new(m03_requests::CHANGE),
            Box::new(m04_bulk::CHANGE),
            Box::new(m05_audit::CHANGE),
            Box::new(m06_directory::CHANGE),
            Box::new(m07_counts::CHANGE),
            Box::new(m08_repositories::CHANGE),
            Box::new(m09_tokens::CHANGE),
            Box::new(m10_notifications::CHANGE),
            Box::new(m11_external::CHANGE),
            Box::new(m12_approvals::CHANGE),
            Box::new(m13_audit_chain::CHANGE),
            Box::new(m14_policies::CHANGE),
            Box::new(m15_checks::Checks),
            Box::new(m16_connected_organizations::CHANGE),
            Box::new(m17_inbox::CHANGE),
            Box::new(m18_share_links::CHANGE),
            Box::new(m19_sign_in_codes::CHANGE),
            Box::new(m20_repairs::CHANGE),
            Box::new(m21_remote_systems::RemoteSystems),
            Box::new(m22_delivery_books::CHANGE),
            Box::new(m23_delivery_queue::CHANGE),
        ]
    }
}

/// One change, as statements for both databases.
///
/// `{id}` is a UUID, `{time}` a time with time zone in microseconds, `{json}` a
/// JSON value, `{key}` text that sorts by its bytes, `{computed}` how a generated column is kept that is added to a
/// table: PostgreSQL stores it, SQLite cannot and has it in indexes only.
struct Change {
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

impl Change {
    async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
        let words = match manager.get_database_backend() {
            DbBackend::Postgres => [
                ("{id}", "uuid"),
                ("{time}", "timestamptz"),
                ("{json}", "jsonb"),
                ("{key}", "text COLLATE \"C\""),
                ("{computed}", "STORED"),
            ],
            _ => [
                ("{id}", "blob"),
                ("{time}", "text"),
                ("{json}", "text"),
                ("{key}", "text"),
                ("{computed}", "VIRTUAL"),
            ],
        };
        let sql = words.iter().fold(sql.to_owned(), |sql, (word, name)| sql.replace(word, name));
        manager.get_connection().execute_unprepared(&sql).await.map(|_| ())
    }
}

impl MigrationName for Change {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Change {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Self::run(manager, self.up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Self::run(manager, self.down).await
    }

    /// A change is done whole or not at all, on SQLite, too.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
