//! Declaring removals done that never will be.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::Delivery;
use crate::authz::Action as _;
use crate::authz::permission::action::EditConnector;
use crate::domain::Rejection;
use crate::domain::delivery::resolve_manually::ResolveManually;
use crate::graphql::api::Api;
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::requires::requires;
use crate::graphql::resolve::Now;

/// Which removals to declare done.
#[derive(Debug, InputObject)]
pub struct ResolveManuallyInput {
    /// The deliveries, 1 to 1,000: removals that wait for their next try.
    deliveries: Vec<ID>,
    /// Why nothing is left to take, 1 to 1,024 characters; kept in the audit trail.
    reason: String,
}

/// What became of one delivery of `resolveManually`.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ResolvedDelivery {
    /// The id as it was given.
    requested_id: ID,
    /// Why it was refused; null if it was done. `NOT_FOUND`; `INVALID_INPUT` for what is no removal;
    /// `ALREADY_IN_PROGRESS` while it is being tried; `NOT_ACTIVE` if it is over.
    error: Option<UserError>,
    #[graphql(skip)]
    delivery: Option<Uuid>,
}

#[async_graphql::ComplexObject]
impl ResolvedDelivery {
    /// The delivery as it is now; null if it was refused.
    async fn delivery(&self, ctx: &Context<'_>) -> Result<Option<Now<Delivery>>, ApiError> {
        let Some(id) = self.delivery else { return Ok(None) };
        let found = Api::of(ctx).loaders.visible_deliveries().find(id).await?;
        Ok(found.map(|row| Now(Delivery((*row).clone()))))
    }
}

/// The payload of `resolveManually`.
#[derive(SimpleObject)]
pub struct ResolveManuallyPayload {
    /// What became of each delivery, in the order given; empty if the call was refused as a whole.
    items: Vec<ResolvedDelivery>,
    /// Why the call was refused as a whole; empty otherwise.
    user_errors: Vec<UserError>,
}

/// Changes of deliveries.
#[derive(Default)]
pub struct DeliveryMutation;

#[Object]
impl DeliveryMutation {
    /// Declares removals done that never will be: the remote is gone for good, or somebody took the access there by
    /// hand. No call is made. What waits behind them goes on: their requests complete, their assignments end, and
    /// packages and connectors are free to be deleted. Access that is still at the remote stays there.
    #[graphql(directive = requires::apply(EditConnector::PERMISSION.into()))]
    async fn resolve_manually(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which removals, and why.")] input: ResolveManuallyInput,
    ) -> Result<ResolveManuallyPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnector>().await?;
        let deliveries = input.deliveries.iter().map(|id| Kind::Delivery.parse(id)).collect();
        let (outcomes, user_errors) =
            api.run(ResolveManually { permit, deliveries, reason: input.reason }).await?;
        let outcomes = outcomes.unwrap_or_default();
        let item = |(requested_id, outcome): (ID, Result<Uuid, Rejection>)| match outcome {
            Ok(id) => ResolvedDelivery { requested_id, error: None, delivery: Some(id) },
            Err(rejection) => {
                ResolvedDelivery { requested_id, error: Some(UserError::from(rejection)), delivery: None }
            }
        };
        Ok(ResolveManuallyPayload {
            items: input.deliveries.into_iter().zip(outcomes).map(item).collect(),
            user_errors,
        })
    }
}
