//! What a direct assignment gives, and how: the same for one person and for many.

use async_graphql::{ID, InputObject};
use chrono::{DateTime, Utc};

use crate::authz::Permit;
use crate::authz::permission::action::Assign;
use crate::domain::access_request::plan::Asked;
use crate::domain::access_request::schedule::Times;
use crate::domain::assignment::direct::Direct;
use crate::graphql::access_request::mutation::times;
use crate::graphql::assignment_policy::question::QuestionAnswerInput;
use crate::graphql::error::ApiError;
use crate::graphql::id::Kind;

/// The fields that the inputs of one direct assignment and of many share; the schema shows them in these.
#[derive(Debug, InputObject)]
pub struct DirectAssignmentInput {
    /// The package.
    access_package: ID,
    /// The policy of the package; its scope, stages and expiry hold all the same.
    policy: ID,
    /// Why, at most 2,000 characters; some policies ask for it.
    justification: Option<String>,
    /// The answers to the policy's questions, the same for everybody who gets it.
    #[graphql(default)]
    answers: Vec<QuestionAnswerInput>,
    /// The start; if left out, at once. A start up to 60 seconds in the past counts as now, so that clients can send
    /// the present minute; an earlier one is refused (`INVALID_SCHEDULE`).
    starts_at: Option<DateTime<Utc>>,
    /// The end; as the policy says where left out, and never later than that.
    expires_at: Option<DateTime<Utc>>,
    /// Passes the policy's approval stages by, with a `justification`; it stands in the history of the request and in
    /// the audit trail. For those who manage the packages of the catalog; an assignment manager does not (`FORBIDDEN`).
    #[graphql(default = false)]
    bypass_approval: bool,
}

impl DirectAssignmentInput {
    /// Refuses times that no database can hold.
    pub fn check(&self) -> Result<(), ApiError> {
        times([("startsAt", self.starts_at), ("expiresAt", self.expires_at)])
    }

    /// The same for the domain, by whoever holds the permit.
    pub fn direct(self, permit: Permit<Assign>) -> Direct {
        Direct {
            permit,
            package: Kind::AccessPackage.parse(&self.access_package),
            policy: Kind::AssignmentPolicy.parse(&self.policy),
            asked: Asked {
                justification: self.justification,
                answers: self.answers.into_iter().map(Into::into).collect(),
                times: Times { starts_at: self.starts_at, expires_at: self.expires_at },
            },
            bypass_approval: self.bypass_approval,
        }
    }
}
