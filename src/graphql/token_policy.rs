//! The token policy of the organization.

use async_graphql::{Context, Enum, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::TimeDelta;
use entity::organization;

use super::api::{Api, change};
use super::error::{ApiError, UserError};
use super::organization::current;
use super::requires::requires;
use super::scalar::Duration;
use crate::authz::permission::action::EditTokenPolicy;
use crate::authz::{Action as _, Permission};
use crate::domain::input::Change;
use crate::domain::token_policy::{update, waiting};

/// Whether a kind of token reaches what is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::organization::TokenAccess")]
pub enum TokenAccess {
    /// It does.
    Allowed,
    /// It reads what is public and nothing else, and none can be made. What was granted is kept, and comes back when
    /// it is allowed again.
    Restricted,
}

/// What the organization lets access tokens do.
pub struct TokenPolicy(pub organization::Model);

/// What the organization lets access tokens do.
#[Object]
impl TokenPolicy {
    /// Whether fine-grained tokens reach what is not public.
    async fn fine_grained(&self) -> TokenAccess {
        self.0.fine_grained_tokens.into()
    }

    /// Whether classic tokens reach what is not public.
    async fn classic(&self) -> TokenAccess {
        self.0.classic_tokens.into()
    }

    /// Whether an owner of the organization must approve what a fine-grained token asks for. Classic tokens need no
    /// approval.
    async fn approval_required(&self) -> bool {
        self.0.token_approval_required
    }

    /// The longest time from making the secret of a fine-grained token to its end; null for no limit. A token that
    /// lives longer reads what is public and nothing else.
    async fn fine_grained_maximum_lifetime(&self) -> Option<Duration> {
        self.0.fine_grained_lifetime_seconds.map(Duration::seconds)
    }

    /// The longest time from making the secret of a classic token to its end; null for no limit. A token that lives
    /// longer reads what is public and nothing else.
    async fn classic_maximum_lifetime(&self) -> Option<Duration> {
        self.0.classic_lifetime_seconds.map(Duration::seconds)
    }

    /// Whether you may change the policy.
    async fn viewer_can_edit(&self, ctx: &Context<'_>) -> bool {
        Api::of(ctx).viewer.holds(Permission::ManageTokens)
    }

    /// Raised by every change of the policy; give it back when changing it.
    async fn version(&self) -> i32 {
        self.0.token_policy_version
    }
}

/// What becomes of the token requests that wait when approval is no longer required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum WaitingTokenRequests {
    /// All are approved, but for those whose token has expired.
    Approve,
    /// All are denied.
    Deny,
    /// They go on waiting for an owner; new ones are approved at once.
    Keep,
}

impl From<WaitingTokenRequests> for waiting::Waiting {
    fn from(waiting: WaitingTokenRequests) -> Self {
        match waiting {
            WaitingTokenRequests::Approve => Self::Approve,
            WaitingTokenRequests::Deny => Self::Deny,
            WaitingTokenRequests::Keep => Self::Keep,
        }
    }
}

/// What to change of the token policy; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateTokenPolicyInput {
    /// The version of the policy that the change is based on; `CONFLICT` when it is no longer that.
    version: i32,
    /// Whether fine-grained tokens reach what is not public.
    fine_grained: Option<TokenAccess>,
    /// Whether classic tokens reach what is not public.
    classic: Option<TokenAccess>,
    /// Whether an owner must approve what a fine-grained token asks for. What was granted stays when it is switched on.
    approval_required: Option<bool>,
    /// The longest lifetime of a fine-grained token, from 1 hour to 3,660 days; null for no limit.
    fine_grained_maximum_lifetime: MaybeUndefined<Duration>,
    /// The longest lifetime of a classic token, from 1 hour to 3,660 days; null for no limit.
    classic_maximum_lifetime: MaybeUndefined<Duration>,
    /// What becomes of the requests that wait. To be given when `approvalRequired` is switched off while some wait
    /// (else `TOKEN_REQUESTS_WAITING` tells how many), and not to be given when it is not switched off.
    waiting_requests: Option<WaitingTokenRequests>,
    /// What you say about the requests that are approved or denied so, at most 1,024 characters; their tokens' owners
    /// are told.
    reason: Option<String>,
}

/// The end of `updateTokenPolicy`.
#[derive(SimpleObject)]
pub struct UpdateTokenPolicyPayload {
    /// The policy as it is now; null when refused.
    token_policy: Option<TokenPolicy>,
    /// Why it was refused; empty when done.
    user_errors: Vec<UserError>,
}

/// Changes of the token policy.
#[derive(Default)]
pub struct TokenPolicyMutation;

#[Object]
impl TokenPolicyMutation {
    /// Changes what the organization lets access tokens do. It holds at once for all tokens, also for those that were
    /// made before; nothing that was granted is lost.
    #[graphql(directive = requires::apply(EditTokenPolicy::PERMISSION.into()))]
    async fn update_token_policy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateTokenPolicyInput,
    ) -> Result<UpdateTokenPolicyPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditTokenPolicy>().await?;
        let (id, user_errors) = api
            .run(update::Update {
                permit,
                version: input.version,
                fine_grained: input.fine_grained.map(Into::into),
                classic: input.classic.map(Into::into),
                approval_required: input.approval_required,
                fine_grained_lifetime: lifetime(input.fine_grained_maximum_lifetime),
                classic_lifetime: lifetime(input.classic_maximum_lifetime),
                waiting: input.waiting_requests.map(Into::into),
                reason: input.reason,
            })
            .await?;
        let token_policy = if id.is_some() { Some(TokenPolicy(current(ctx).await?.0)) } else { None };
        Ok(UpdateTokenPolicyPayload { token_policy, user_errors })
    }
}

fn lifetime(value: MaybeUndefined<Duration>) -> Change<TimeDelta> {
    match change(value) {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(longest) => Change::Set(longest.0),
    }
}
