//! Share links: whether people from outside can use one, and where one leads for whoever opens it.
//!
//! A share link grants nothing. Whom it leads nowhere is told so in one way, by the same statements: whether the
//! package is unknown, another organization's, deleted, closed, or does not admit them is not to be told apart.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::access_request::plan::{blockers, most_specific};
use super::error::{Code, Error, Rejection};
use super::link::ShareLink;
use super::signed_link;
use crate::authz::Scope;
use crate::store::database::Connection;
use crate::store::share_link::Facts;
use crate::store::{self, Access};

/// The text is not a whole share link of this server.
const INVALID: &str =
    "This is not a share link of this server. Copy the whole link, from its `http` to its last letter.";

/// Why people from outside cannot use a share link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The catalog takes no requests.
    CatalogDisabled,
    /// The catalog is not for people from outside.
    CatalogNotExternallyVisible,
    /// No enabled policy is for people from outside.
    NoPolicyForExternalUsers,
    /// The policies mean all configured connected organizations, and none is configured.
    ConnectedOrganizationNotConfigured,
    /// Nobody whom the policies mean can sign in.
    NoTrustedSignIn,
}

/// Everything that keeps people from outside from using a share link.
#[must_use]
pub fn problems(facts: &Facts) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !facts.catalog_enabled {
        problems.push(Problem::CatalogDisabled);
    }
    if !facts.externally_visible {
        problems.push(Problem::CatalogNotExternallyVisible);
    }
    // Each of these is asked only where the one before is answered.
    if !facts.policy {
        problems.push(Problem::NoPolicyForExternalUsers);
    } else if !facts.configured {
        problems.push(Problem::ConnectedOrganizationNotConfigured);
    } else if !facts.sign_in {
        problems.push(Problem::NoTrustedSignIn);
    }
    problems
}

/// Where a share link leads, for one who may go there.
#[derive(Clone, Debug)]
pub struct Target {
    /// The package.
    pub package: store::access_package::Row,
    /// The policies that apply to them.
    pub applicable: Vec<Uuid>,
    /// What stands against a request of theirs by this link.
    pub blockers: Vec<Code>,
    /// The signed link that it is.
    pub signed_link: Option<Uuid>,
}

/// Follows a link.
pub async fn target(
    connection: &impl Connection,
    scope: &Scope,
    public_url: &str,
    url: &str,
    now: DateTime<Utc>,
) -> Result<Target, Error> {
    let link = ShareLink::parse(public_url, url).ok_or_else(|| Rejection::new(Code::InvalidLink, INVALID))?;
    let ids = [link.access_package];
    // Everything is asked in any case: how much was asked tells nothing.
    let organization = store::organization::named(connection, &link.hint).await?;
    let include = store::access_package::Include::default();
    let found = store::access_package::find(connection, Access::Visible(scope), &ids, include).await?;
    let facts = store::access_request::requestability(connection, scope, &ids).await?;
    let here = organization.is_some_and(|organization| organization.id == scope.organization);
    let (Some(package), Some(facts), true) = (found.into_iter().next(), facts.first(), here) else {
        let message = "This link leads to nothing that you may use. Ask whoever gave it to you.";
        return Err(Rejection::new(Code::NotAvailable, message).into());
    };
    let mut target =
        Target { package, applicable: most_specific(facts), blockers: blockers(facts), signed_link: None };
    if let Some(secret) = &link.secret {
        // A link that is no good is told in place of one that is missing.
        target.blockers.retain(|code| *code != Code::SignedLinkRequired);
        match signed_link::presented(connection, scope, link.access_package, secret, now).await? {
            Ok(id) => target.signed_link = Some(id),
            Err(code) => target.blockers.push(code),
        }
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_told_that_can_be_known() {
        let good = Facts {
            package: Uuid::nil(),
            catalog_enabled: true,
            externally_visible: true,
            policy: true,
            configured: true,
            sign_in: true,
        };
        assert_eq!(problems(&good), []);
        let closed = Facts { catalog_enabled: false, externally_visible: false, policy: false, ..good };
        assert_eq!(
            problems(&closed),
            [
                Problem::CatalogDisabled,
                Problem::CatalogNotExternallyVisible,
                Problem::NoPolicyForExternalUsers
            ]
        );
        let proposed = Facts { configured: false, sign_in: false, ..good };
        assert_eq!(problems(&proposed), [Problem::ConnectedOrganizationNotConfigured]);
        assert_eq!(problems(&Facts { sign_in: false, ..good }), [Problem::NoTrustedSignIn]);
    }
}
