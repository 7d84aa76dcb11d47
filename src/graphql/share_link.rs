//! Share links: what a package's link is good for, and where a link leads.

use async_graphql::{Context, Enum, Object, SimpleObject};
use uuid::Uuid;

use super::access_package::{AccessPackage, RequestBlocker};
use super::api::Api;
use super::assignment_policy::AssignmentPolicy;
use super::error::{ApiError, UserError, answer};
use super::loader::Nested;
use super::resolve::{Now, Rows};
use super::scalar::Url;
use crate::domain::link::Frontend;
use crate::domain::share_link::{self, Target};
use crate::domain::signed_link::open::Open;

/// The link to a package: whoever opens it is led to the package, and asks for it there. It grants nothing: the
/// policies of the package decide, as for everybody.
#[derive(SimpleObject)]
pub struct ShareLink {
    /// The link. Members can use it in any case.
    url: Url,
    /// How the link names the organization: its first domain, else its slug. Its other domains and its slug lead
    /// there, too.
    directory_hint: String,
    /// Whether people from outside who come for the first time can use it: whether there are no problems. Which of
    /// them may, the policies say.
    externally_usable: bool,
    /// Why people from outside cannot use it; empty where they can.
    problems: Vec<ShareLinkProblem>,
}

/// Why people from outside cannot use a share link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "share_link::Problem")]
pub enum ShareLinkProblem {
    /// The catalog is disabled: it takes no requests, from members neither.
    CatalogDisabled,
    /// The catalog is not externally visible.
    CatalogNotExternallyVisible,
    /// No enabled policy of the package is for connected organizations or for everybody from outside.
    NoPolicyForExternalUsers,
    /// The policies are for all configured connected organizations, and none is configured.
    ConnectedOrganizationNotConfigured,
    /// None of those whom the policies are for can sign in: the operator trusts no issuer that vouches for them.
    NoTrustedSignIn,
}

/// The share link of a package.
pub async fn of_package(ctx: &Context<'_>, package: Uuid) -> Result<ShareLink, ApiError> {
    let api = Api::of(ctx);
    let hint = api.loaders.hints().get(api.scope.organization).await?;
    let names = api.loaders.names().get(api.scope.organization).await?;
    let issuers = api.environment.issuers.iter().filter(|issuer| {
        // Whom an organization's own issuer vouches for is a member there.
        issuer.organization.as_ref().is_none_or(|own| !names.contains(&own.to_lowercase()))
    });
    let issuers: Vec<String> = issuers.map(|issuer| issuer.name.clone()).collect();
    let facts = api.loaders.share_links().get(Nested::new(package, issuers)).await?;
    let problems = share_link::problems(&facts);
    Ok(ShareLink {
        url: Url(Frontend::new(&api.environment.public_url, &hint).access_package(package)),
        directory_hint: hint.as_ref().clone(),
        externally_usable: problems.is_empty(),
        problems: problems.into_iter().map(ShareLinkProblem::from).collect(),
    })
}

/// Where a share link leads for you.
pub struct ShareLinkTarget {
    target: Option<Target>,
    user_errors: Vec<UserError>,
}

/// Where a share link leads for you.
#[Object]
impl ShareLinkTarget {
    /// The package; null where the link leads nowhere for you.
    async fn access_package(&self) -> Option<Now<AccessPackage>> {
        let target = self.target.as_ref()?;
        Some(Now(AccessPackage::from(target.package.clone())))
    }

    /// The policies that apply to you, with their questions and stages: to choose from where there are several.
    async fn applicable_policies(&self, ctx: &Context<'_>) -> Result<Rows<AssignmentPolicy>, ApiError> {
        let Some(target) = &self.target else { return Ok(Rows(Vec::new())) };
        let policies = Api::of(ctx).loaders.policies().get_all(&target.applicable).await?;
        Ok(Rows(policies.into_iter().map(AssignmentPolicy).collect()))
    }

    /// Why you cannot request it for yourself by this link now, all reasons; `POLICY_REQUIRED` only says that a policy
    /// must be chosen.
    async fn blockers(&self) -> Vec<RequestBlocker> {
        let blockers = self.target.iter().flat_map(|target| target.blockers.iter());
        blockers.copied().map(RequestBlocker::from).collect()
    }

    /// Why it leads nowhere: `INVALID_LINK` where it is not the whole of a share link of this server, else
    /// `NOT_AVAILABLE`, whatever the reason. Empty where it leads to a package.
    async fn user_errors(&self) -> &[UserError] {
        &self.user_errors
    }
}

/// Queries about share links.
#[derive(Default)]
pub struct ShareLinkQuery;

#[Object]
impl ShareLinkQuery {
    /// Where a share link leads for you. It must lead to the organization that the call acts in: by any of its
    /// domains or its slug, in any case. Everybody may ask, guests and those who are none yet, too. A signed link that you
    /// could use counts it as an opening.
    async fn share_link_target(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The whole link, with what stands behind the `#`.")] url: Url,
    ) -> Result<ShareLinkTarget, ApiError> {
        let api = Api::of(ctx);
        let public_url = &api.environment.public_url;
        let found = share_link::target(&api.database, &api.scope, public_url, &url.0, api.now).await;
        let (target, user_errors) = answer(found)?;
        if let Some(id) = target.as_ref().and_then(|target| target.signed_link) {
            let (organization, user, call) = (api.scope.organization, api.viewer.user, api.request_id);
            api.run(Open { organization, user, call, id }).await?;
        }
        Ok(ShareLinkTarget { target, user_errors })
    }
}
