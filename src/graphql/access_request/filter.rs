//! Which access requests are wanted, and in which order.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use chrono::{DateTime, Utc};

use super::{AccessRequestState, AccessRequestType};
use crate::graphql::connection::{OrderDirection, given};
use crate::graphql::delivery::DeliveryErrorCode;
use crate::graphql::error::ApiError;
use crate::graphql::id::{GlobalId as _, Kind};
use crate::store;

/// Which requests are wanted. All given conditions hold together; list conditions mean "one of"; a condition
/// that is null is an error. The same type selects for bulk operations.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AccessRequestFilter {
    /// For these packages.
    access_package: MaybeUndefined<Vec<ID>>,
    /// In these catalogs.
    catalog: MaybeUndefined<Vec<ID>>,
    /// For these people.
    requestor: MaybeUndefined<Vec<ID>>,
    /// Under these policies.
    policy: MaybeUndefined<Vec<ID>>,
    /// In these states.
    state: MaybeUndefined<Vec<AccessRequestState>>,
    /// Of these types.
    #[graphql(name = "type")]
    kind: MaybeUndefined<Vec<AccessRequestType>>,
    /// With a delivery that is not done and last failed in one of these ways.
    delivery_error: MaybeUndefined<Vec<DeliveryErrorCode>>,
    /// Made at or after this time.
    submitted_since: MaybeUndefined<DateTime<Utc>>,
    /// Made before this time.
    submitted_before: MaybeUndefined<DateTime<Utc>>,
    /// First completed at or after this time.
    completed_since: MaybeUndefined<DateTime<Utc>>,
    /// First completed before this time.
    completed_before: MaybeUndefined<DateTime<Utc>>,
}

impl AccessRequestFilter {
    /// The conditions for the store.
    pub fn condition(&self) -> Result<store::access_request::Filter, ApiError> {
        use crate::graphql::text::time;
        Ok(store::access_request::Filter {
            packages: given("accessPackage", &self.access_package)?
                .map(|ids| Kind::AccessPackage.parse_all(&ids)),
            catalogs: given("catalog", &self.catalog)?.map(|ids| Kind::Catalog.parse_all(&ids)),
            requestors: given("requestor", &self.requestor)?.map(|ids| Kind::User.parse_all(&ids)),
            policies: given("policy", &self.policy)?.map(|ids| Kind::AssignmentPolicy.parse_all(&ids)),
            states: given("state", &self.state)?.map(|states| states.into_iter().map(Into::into).collect()),
            kinds: given("type", &self.kind)?.map(|kinds| kinds.into_iter().map(Into::into).collect()),
            delivery_errors: given("deliveryError", &self.delivery_error)?
                .map(|codes| codes.into_iter().map(Into::into).collect()),
            without_approver: false,
            submitted_from: time("submittedSince", &self.submitted_since)?,
            submitted_until: time("submittedBefore", &self.submitted_before)?,
            completed_from: time("completedSince", &self.completed_since)?,
            completed_until: time("completedBefore", &self.completed_before)?,
        })
    }
}

/// What a list of requests is sorted by; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AccessRequestOrderField {
    /// The time they were made.
    SubmittedAt,
}

/// The order of a list of requests.
#[derive(Clone, Copy, InputObject)]
pub struct AccessRequestOrder {
    /// What it is sorted by.
    pub field: AccessRequestOrderField,
    /// Which way.
    pub direction: OrderDirection,
}
