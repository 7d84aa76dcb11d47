//! The connectors in use: one live object for each, kept while its settings stay as they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use entity::connector::{self, ConnectorKind};
use entity::delivery::DeliveryErrorCode;
use uuid::Uuid;

use super::directory::Directory;
use super::outgoing::TimeLimits;
use super::scim::{Scim, ScimSettings};
use super::webhook::{self, Sender};
use super::{Connector, Failure};
use crate::secret::{Place, Secret, SecretKeys};
use crate::store::Database;

/// Makes connectors from their rows. Clones share them.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

/// A sender of events, with the version of the row that it was made from.
type LiveSender = (i32, Arc<Sender>);

/// A connector, with the version of the row that it was made from.
type Live = (i32, Arc<dyn Connector>);

struct Inner {
    database: Database,
    secret_keys: Arc<SecretKeys>,
    allow_private_addresses: bool,
    live: Mutex<HashMap<Uuid, Live>>,
    senders: Mutex<HashMap<Uuid, LiveSender>>,
}

/// Where a connector's secret is kept.
#[must_use]
pub fn place(connector: Uuid) -> Place {
    Place { table: "connector", column: "secret", id: connector }
}

impl Registry {
    /// No connectors yet.
    #[must_use]
    pub fn new(database: Database, secret_keys: Arc<SecretKeys>, allow_private_addresses: bool) -> Self {
        Self(Arc::new(Inner {
            database,
            secret_keys,
            allow_private_addresses,
            live: Mutex::default(),
            senders: Mutex::default(),
        }))
    }

    /// The connector of a row. A change of its settings makes a new one.
    pub fn get(&self, row: &connector::Model) -> Result<Arc<dyn Connector>, Failure> {
        let mut live = self.0.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((version, connector)) = live.get(&row.id)
            && *version == row.version
        {
            return Ok(Arc::clone(connector));
        }
        let made = self.0.make(row)?;
        live.insert(row.id, (row.version, Arc::clone(&made)));
        Ok(made)
    }
}

impl Registry {
    /// What sends the events of a webhook. A change of its settings makes a new one.
    pub fn sender(&self, row: &entity::webhook::Model) -> Result<Arc<Sender>, Failure> {
        let mut live = self.0.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((version, sender)) = live.get(&row.id)
            && *version == row.version
        {
            return Ok(Arc::clone(sender));
        }
        let opened = self.0.secret_keys.open(&row.secret, webhook::place(row.id)).ok();
        let secret = opened.and_then(|bytes| String::from_utf8(bytes).ok()).map(Secret::new);
        let secret = secret.ok_or_else(|| {
            misconfigured("The stored secret does not open with this server's keys. Make another webhook.")
        })?;
        let private = self.0.allow_private_addresses;
        let made = Arc::new(Sender::new(&row.url, &secret, private, self.0.database.clock().clone())?);
        live.insert(row.id, (row.version, Arc::clone(&made)));
        Ok(made)
    }
}

impl Inner {
    fn make(&self, row: &connector::Model) -> Result<Arc<dyn Connector>, Failure> {
        match row.kind {
            ConnectorKind::Directory => Ok(Arc::new(Directory::new(self.database.clone(), row.id))),
            ConnectorKind::Scim => {
                let settings = ScimSettings {
                    base_url: row
                        .base_url
                        .clone()
                        .ok_or_else(|| misconfigured("The base URL is missing."))?,
                    token: self.secret(row)?,
                    allow_private_addresses: self.allow_private_addresses,
                    limits: TimeLimits::default(),
                };
                Ok(Arc::new(Scim::new(&settings, self.database.clock().clone())?))
            }
        }
    }

    fn secret(&self, row: &connector::Model) -> Result<Secret, Failure> {
        let sealed = row.secret.as_deref().ok_or_else(|| misconfigured("The secret is missing."))?;
        let opened = self.secret_keys.open(sealed, place(row.id)).ok();
        let text = opened.and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(Secret::new).ok_or_else(|| {
            misconfigured("The stored secret does not open with this server's keys. Set it anew.")
        })
    }
}

fn misconfigured(message: &str) -> Failure {
    Failure::new(DeliveryErrorCode::ConnectorMisconfigured, message)
}
