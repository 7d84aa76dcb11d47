//! Bulk operations: one action on many objects, by ids or by filter, with an answer for each.
//!
//! An action is a [`Bulk`]: how a filter selects, and how a batch is decided. [`start`] is what a
//! viewer sends; [`batch`] is what the worker does when the selection was a filter.

pub mod batch;
pub mod code;
pub mod decision;
pub mod record;
pub mod start;

use std::collections::HashMap;
use std::future::Future;

use entity::bulk_operation::{self, BulkOperationKind};
use uuid::Uuid;

pub use decision::{Decision, Decisions};
pub use start::{Selection, Start};

use crate::authz::{Action, Scope};
use crate::domain::error::{Code, Error};
use crate::store::{Access, StoreError, Txn};

/// The answer for each object of a batch; one that was not found has none.
pub type Verdicts = HashMap<Uuid, Result<(), Code>>;

/// An action that can be done to many objects at once.
pub trait Bulk: Send + Sync + 'static {
    /// What the starter must be allowed to do.
    type Action: Action + Send + Sync + 'static;
    /// How objects are selected by their properties.
    type Filter: Default + PartialEq + Send + Sync + 'static;

    /// The kind of its operations.
    const KIND: BulkOperationKind;
    /// The mutation that starts it, which idempotency keys belong to.
    const MUTATION: &'static str;
    /// What its input calls the reason.
    const REASON: &'static str = "reason";
    /// Where its input has the ids.
    const IDS: &'static str = "selection.ids";

    /// Fixes the set of an operation: everything that matches and is visible. Gives its size.
    fn select(
        txn: &Txn,
        operation: Uuid,
        scope: &Scope,
        filter: &Self::Filter,
        most: u64,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Judges objects and does what is accepted, unless the operation is a dry run: sets, not loops.
    /// Rights are as the operation has them, from its acceptance; states are as they are now.
    fn decide(
        txn: &Txn,
        operation: &bulk_operation::Model,
        access: Access<'_>,
        targets: &[Uuid],
    ) -> impl Future<Output = Result<Verdicts, Error>> + Send;
}
