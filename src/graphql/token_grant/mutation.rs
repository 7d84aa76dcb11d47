//! Revoking token grants.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};

use super::TokenGrantFilter;
use crate::authz::Action as _;
use crate::authz::permission::action::RevokeTokenGrant;
use crate::domain::bulk_operation::{Selection, Start};
use crate::domain::token_grant::revoke;
use crate::graphql::api::{Api, repeatable};
use crate::graphql::bulk_operation::{self, BulkOperation};
use crate::graphql::error::{ApiError, UserError};
use crate::graphql::id::Kind;
use crate::graphql::requires::requires;

/// Which token grants a bulk operation is for.
#[derive(Debug, OneofObject)]
pub enum TokenGrantSelection {
    /// These, at most 1,000: done when the mutation answers, one item for each, in this order.
    Ids(Vec<ID>),
    /// Everything that matches and that you may see, at most 200,000: fixed when the mutation is accepted, done in
    /// the background.
    Filter(Box<TokenGrantFilter>),
}

/// Which token grants to revoke.
#[derive(Debug, InputObject)]
pub struct RevokeTokenGrantsInput {
    /// The grants.
    selection: TokenGrantSelection,
    /// Why, at most 1,024 characters; told to the tokens' owners.
    reason: Option<String>,
    /// Only say what would happen; nothing is changed. The answer is kept for 7 days.
    #[graphql(default = false)]
    dry_run: bool,
    /// How many grants you expect to be selected; with another number nothing is done
    /// (`EXPECTED_COUNT_MISMATCH`). A filter without `dryRun` needs it.
    expected_count: Option<i32>,
    /// Makes the call repeatable for 24 hours: a second call with the same key and input answers with the first one's operation.
    idempotency_key: Option<String>,
}

/// The end of `revokeTokenGrants`.
#[derive(SimpleObject)]
pub struct RevokeTokenGrantsPayload {
    /// The operation with one item for each grant; null when refused as a whole.
    bulk_operation: Option<BulkOperation>,
    /// Why it was refused as a whole; empty when accepted.
    user_errors: Vec<UserError>,
}

/// Changes of token grants.
#[derive(Default)]
pub struct TokenGrantMutation;

#[Object]
impl TokenGrantMutation {
    /// Takes back what tokens were granted; what the same tokens ask for beyond it is cancelled. The tokens still
    /// read what is public. Each grant is accepted or rejected by itself: one that was revoked before is
    /// `ALREADY_REVOKED`, one that is over for another reason `NOT_ACTIVE`.
    #[graphql(directive = requires::apply(RevokeTokenGrant::PERMISSION.into()))]
    async fn revoke_token_grants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The grants.")] input: RevokeTokenGrantsInput,
    ) -> Result<RevokeTokenGrantsPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit().await?;
        let selection = match &input.selection {
            TokenGrantSelection::Ids(ids) => {
                Selection::Ids(ids.iter().map(|id| (id.to_string(), Kind::TokenGrant.parse(id))).collect())
            }
            TokenGrantSelection::Filter(filter) => Selection::Filter(filter.condition()?),
        };
        let idempotency = repeatable(input.idempotency_key.clone(), &input);
        let command = Start::<revoke::RevokeGrants> {
            permit,
            selection,
            decision: None,
            reason: input.reason,
            dry_run: input.dry_run,
            expected_count: input.expected_count,
            idempotency,
        };
        let (bulk_operation, user_errors) = bulk_operation::start(api, command).await?;
        Ok(RevokeTokenGrantsPayload { bulk_operation, user_errors })
    }
}
