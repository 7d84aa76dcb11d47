//! Reads of what did not come with a page: all keys of a level in one statement.
//!
//! One set for each operation, carrying the viewer's scope. Every key is answered,
//! with none where there is no row, so that a missing row is not an error.

mod pages;
mod sources;

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use dataloader::BatchFn;
use dataloader::cached::Loader;
use futures_util::future::try_join_all;

pub use self::pages::{Nested, PageOf};
pub use self::sources::Loaders;
use super::error::ApiError;
use crate::authz::Scope;
use crate::store::{Database, StoreError};

/// The most keys of one statement.
const LARGEST_BATCH: usize = 1_000;
/// How often a loader lets others run before it reads: enough for a whole level to ask.
const YIELDS: usize = 10;

type Loaded<V> = Result<Option<Arc<V>>, ApiError>;

/// Reads values by key.
pub trait Source: Send + Sync + 'static {
    /// What it is read by: an id, or an id with what is asked of its list.
    type Key: Clone + Debug + Eq + Hash + Send + Sync + 'static;
    /// What is read.
    type Value: Send + Sync + 'static;

    /// Reads the values of these keys; a key without a value may be left out.
    fn read(
        database: &Database,
        scope: &Scope,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<HashMap<Self::Key, Self::Value>, StoreError>> + Send;
}

/// Turns a [`Source`] into what the loader crate calls.
pub struct Batch<S> {
    database: Database,
    scope: Arc<Scope>,
    source: PhantomData<S>,
}

impl<S: Source> BatchFn<S::Key, Loaded<S::Value>> for Batch<S> {
    async fn load(&mut self, keys: &[S::Key]) -> HashMap<S::Key, Loaded<S::Value>> {
        match S::read(&self.database, &self.scope, keys).await {
            Ok(mut values) => {
                keys.iter().map(|key| (key.clone(), Ok(values.remove(key).map(Arc::new)))).collect()
            }
            Err(error) => {
                let error = ApiError::from(error);
                keys.iter().map(|key| (key.clone(), Err(error.clone()))).collect()
            }
        }
    }
}

/// A loader for one source.
pub struct Load<S: Source>(Loader<S::Key, Loaded<S::Value>, Batch<S>>);

impl<S: Source> Load<S> {
    fn new(database: &Database, scope: &Arc<Scope>) -> Self {
        let batch = Batch { database: database.clone(), scope: Arc::clone(scope), source: PhantomData };
        Self(Loader::new(batch).with_max_batch_size(LARGEST_BATCH).with_yield_count(YIELDS))
    }

    /// The value of a key, or none.
    pub async fn find(&self, key: S::Key) -> Loaded<S::Value> {
        self.0.try_load(key).await.map_err(|_| ApiError::Internal)?
    }

    /// The values of keys that foreign keys vouch for, in their order.
    pub async fn get_all(&self, keys: &[S::Key]) -> Result<Vec<Arc<S::Value>>, ApiError> {
        try_join_all(keys.iter().map(|key| self.get(key.clone()))).await
    }

    /// The value of a key that a foreign key vouches for.
    pub async fn get(&self, key: S::Key) -> Result<Arc<S::Value>, ApiError> {
        self.find(key).await?.ok_or(ApiError::Internal)
    }
}
