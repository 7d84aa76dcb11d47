//! Previewing, linking and unlinking accounts at remote systems.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::RemoteAccount;
use crate::authz::Action as _;
use crate::authz::permission::action::EditConnector;
use crate::domain::remote_account::{link_manually, preview, unlink};
use crate::graphql::api::Api;
use crate::graphql::connector::mutation::ConnectorFailure;
use crate::graphql::error::{ApiError, UserError, answer};
use crate::graphql::id::Kind;
use crate::graphql::requires::requires;
use crate::graphql::resolve::Now;
use crate::graphql::user::User;

/// For whom to look for accounts.
#[derive(Debug, InputObject)]
pub struct PreviewCorrelationInput {
    /// The connector; people have no accounts at a `DIRECTORY` one.
    connector: ID,
    /// The users, 1 to 100.
    users: Vec<ID>,
}

/// Which account a user would get at a remote system, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "preview::Correlation")]
pub enum Correlation {
    /// The account that is linked to the user already.
    Linked,
    /// One whose `externalId` is the user's Guichet id.
    ExternalId,
    /// One whose login name is the user's.
    UserName,
    /// One that has the user's e-mail address.
    Email,
    /// None matches: the first delivery would create one.
    WouldCreate,
    /// The account that matches is linked to another user, who can still act or has access there: deliveries would fail.
    AlreadyLinked,
    /// The system could not be asked, or did not answer as it should.
    Failed,
}

/// An account as the remote system showed it just now.
#[derive(SimpleObject)]
pub struct SeenAccount {
    /// The system's own id of the account.
    remote_id: String,
    /// The login name; null if the system does not show it.
    user_name: Option<String>,
    /// Whether the account is switched on; an account that others made is never switched on by Guichet.
    active: bool,
}

/// What was found for one user.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct CorrelationPreview {
    /// The id as it was given.
    requested_id: ID,
    /// Which account the user would get; null if there is no such user.
    correlation: Option<Correlation>,
    /// The account that was found; null if there is none.
    account: Option<SeenAccount>,
    /// Why the system could not tell; null unless `correlation` is `FAILED`.
    failure: Option<ConnectorFailure>,
    /// Why nothing was looked for: `NOT_FOUND`; null otherwise.
    error: Option<UserError>,
    #[graphql(skip)]
    user: Option<Uuid>,
    #[graphql(skip)]
    linked_to: Option<Uuid>,
}

#[async_graphql::ComplexObject]
impl CorrelationPreview {
    /// The user; null if there is no such user.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        user(ctx, self.user).await
    }

    /// Whose the account is; null unless `correlation` is `ALREADY_LINKED`.
    async fn linked_to(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>, ApiError> {
        user(ctx, self.linked_to).await
    }
}

async fn user(ctx: &Context<'_>, id: Option<Uuid>) -> Result<Option<Now<User>>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    Ok(Api::of(ctx).loaders.visible_users().find(id).await?.map(|user| Now(User(user))))
}

/// The payload of `previewCorrelation`.
#[derive(SimpleObject)]
pub struct PreviewCorrelationPayload {
    /// What was found for each user, in the order given; empty if the call was refused.
    items: Vec<CorrelationPreview>,
    /// Why the call was refused as a whole; empty otherwise.
    user_errors: Vec<UserError>,
}

/// What happens at the system when an account is linked by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum LinkAccountMode {
    /// Nothing: only the books change, because they named the wrong account. What the user was given counts as given to
    /// the account that is linked now.
    Correct,
}

/// An account to link to a user.
#[derive(Debug, InputObject)]
pub struct AccountLinkInput {
    /// The user.
    user: ID,
    /// The system's own id of the account, 1 to 500 characters.
    remote_id: String,
}

/// Which accounts to link to which users.
#[derive(Debug, InputObject)]
pub struct LinkAccountInput {
    /// The connector to the system; people have no accounts at a `DIRECTORY` one.
    connector: ID,
    /// The accounts with their users, 1 to 100.
    links: Vec<AccountLinkInput>,
    /// What happens at the system.
    mode: LinkAccountMode,
    /// Whether to change nothing, and only say what would happen. The system is asked all the same.
    #[graphql(default = false)]
    dry_run: bool,
}

/// Which accounts to take from their users.
#[derive(Debug, InputObject)]
pub struct UnlinkAccountInput {
    /// The accounts, 1 to 100.
    accounts: Vec<ID>,
    /// Whether to change nothing, and only say what would happen.
    #[graphql(default = false)]
    dry_run: bool,
}

/// What became of one account of `linkAccount` or `unlinkAccount`.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct LinkedAccount {
    /// The id as it was given: of the user for `linkAccount`, of the account for `unlinkAccount`.
    requested_id: ID,
    /// Why it was refused; null if it was done, or would be. `NOT_FOUND`; `SELF_ASSIGNMENT` for accounts of your own;
    /// `ACCOUNT_ALREADY_LINKED`; `IN_USE` while the user has access there; `ALREADY_IN_PROGRESS` while something is
    /// delivered to the account; `NOT_ACTIVE` if it is nobody's; `REMOTE_FAILED`; `INVALID_INPUT`.
    error: Option<UserError>,
    #[graphql(skip)]
    account: Option<Uuid>,
}

#[async_graphql::ComplexObject]
impl LinkedAccount {
    /// The account as it is now; null if it was refused, or would only be made.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Now<RemoteAccount>>, ApiError> {
        let Some(id) = self.account else { return Ok(None) };
        let found = Api::of(ctx).loaders.remote_accounts().find(id).await?;
        Ok(found.map(|account| Now(RemoteAccount(account))))
    }
}

impl LinkedAccount {
    fn new(requested_id: ID, outcome: link_manually::Outcome) -> Self {
        match outcome {
            Ok(account) => Self { requested_id, error: None, account },
            Err(rejection) => Self { requested_id, error: Some(rejection.into()), account: None },
        }
    }
}

/// The payload of `linkAccount`.
#[derive(SimpleObject)]
pub struct LinkAccountPayload {
    /// What became of each link, in the order given; empty if the call was refused as a whole.
    items: Vec<LinkedAccount>,
    /// Why the call was refused as a whole; empty otherwise.
    user_errors: Vec<UserError>,
}

/// The payload of `unlinkAccount`.
#[derive(SimpleObject)]
pub struct UnlinkAccountPayload {
    /// What became of each account, in the order given; empty if the call was refused as a whole.
    items: Vec<LinkedAccount>,
    /// Why the call was refused as a whole; empty otherwise.
    user_errors: Vec<UserError>,
}

/// Changes of accounts at remote systems.
#[derive(Default)]
pub struct RemoteAccountMutation;

#[Object]
impl RemoteAccountMutation {
    /// Looks which accounts users have or would get at a connector's system, and why. The system is asked, with at most
    /// four calls at once; nothing is changed there, and nothing in Guichet but the audit trail. What the system has not
    /// answered in time is `FAILED` with `REMOTE_TIMEOUT`.
    #[graphql(directive = requires::apply(EditConnector::PERMISSION.into()))]
    async fn preview_correlation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "For whom to look, and where.")] input: PreviewCorrelationInput,
    ) -> Result<PreviewCorrelationPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnector>().await?;
        let connector = Kind::Connector.parse(&input.connector);
        let users: Vec<Option<Uuid>> = input.users.iter().map(|id| Kind::User.parse(id)).collect();
        let connectors = &api.environment.connectors;
        let found = preview::preview(&api.database, connectors, permit, connector, &users, api.until).await;
        let (found, user_errors) = answer(found)?;
        let found = input.users.into_iter().zip(users).zip(found.unwrap_or_default());
        let items = found.map(|((requested_id, user), outcome)| match outcome {
            Ok(found) => CorrelationPreview {
                requested_id,
                correlation: Some(found.correlation.into()),
                account: found.account.map(|account| SeenAccount {
                    remote_id: account.id,
                    user_name: account.user_name,
                    active: account.active,
                }),
                failure: found.failure.map(|failure| {
                    ConnectorFailure::new(failure.code, failure.message, failure.remote_status)
                }),
                error: None,
                user,
                linked_to: found.linked_to,
            },
            Err(rejection) => CorrelationPreview {
                requested_id,
                correlation: None,
                account: None,
                failure: None,
                error: Some(rejection.into()),
                user: None,
                linked_to: None,
            },
        });
        Ok(PreviewCorrelationPayload { items: items.collect(), user_errors })
    }

    /// Links accounts at a connector's system to users, because the books name the wrong ones or none. Each account is
    /// looked at first. The account that the user had is unlinked, and what they were given counts as given to the new
    /// one. Each link is judged by itself, and what is good is done.
    #[graphql(directive = requires::apply(EditConnector::PERMISSION.into()))]
    async fn link_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which accounts, and whose they are.")] input: LinkAccountInput,
    ) -> Result<LinkAccountPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnector>().await?;
        match input.mode {
            LinkAccountMode::Correct => {}
        }
        let connector = Kind::Connector.parse(&input.connector);
        let (ids, links): (Vec<ID>, Vec<link_manually::Wanted>) = input
            .links
            .into_iter()
            .map(|link| {
                let user = Kind::User.parse(&link.user);
                (link.user, link_manually::Wanted { user, remote_id: link.remote_id })
            })
            .unzip();
        let connectors = &api.environment.connectors;
        let (database, dry_run, until) = (&api.database, input.dry_run, api.until);
        let done = link_manually::link(database, connectors, permit, connector, links, dry_run, until).await;
        let (outcomes, user_errors) = answer(done)?;
        let items = ids.into_iter().zip(outcomes.unwrap_or_default());
        let items = items.map(|(id, outcome)| LinkedAccount::new(id, outcome)).collect();
        Ok(LinkAccountPayload { items, user_errors })
    }

    /// Takes accounts from their users in the books; the system is not asked, and nothing is changed there. The next
    /// delivery for such a user looks for their account anew. Each account is judged by itself.
    #[graphql(directive = requires::apply(EditConnector::PERMISSION.into()))]
    async fn unlink_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which accounts.")] input: UnlinkAccountInput,
    ) -> Result<UnlinkAccountPayload, ApiError> {
        let api = Api::of(ctx);
        let permit = api.permit::<EditConnector>().await?;
        let accounts = input.accounts.iter().map(|id| Kind::RemoteAccount.parse(id)).collect();
        let command = unlink::Unlink { permit, accounts, dry_run: input.dry_run };
        let (outcomes, user_errors) = api.run(command).await?;
        let items = input.accounts.into_iter().zip(outcomes.unwrap_or_default());
        let items = items.map(|(id, outcome)| LinkedAccount::new(id, outcome.map(Some))).collect();
        Ok(UnlinkAccountPayload { items, user_errors })
    }
}
