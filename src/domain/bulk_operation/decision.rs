//! What is decided about one of many things, and what is said about it.

use std::collections::HashMap;

use entity::bulk_operation::{self, ReviewDecision};
use uuid::Uuid;

use crate::store::StoreError;

/// What is decided about one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Which way.
    pub decision: ReviewDecision,
    /// Why.
    pub reason: Option<&'a str>,
}

/// Decisions by the id of what they are about.
pub type Decisions<'a> = HashMap<Uuid, Decision<'a>>;

impl<'a> Decision<'a> {
    /// The decision that an operation is for.
    pub fn of(operation: &'a bulk_operation::Model) -> Result<Self, StoreError> {
        let decision = operation.decision;
        let decision = decision.ok_or_else(|| StoreError::Other("a review without a decision".to_owned()))?;
        Ok(Self { decision, reason: operation.reason.as_deref() })
    }

    /// The same about all of these.
    #[must_use]
    pub fn about_all(self, ids: &[Uuid]) -> Decisions<'a> {
        ids.iter().map(|id| (*id, self)).collect()
    }
}
