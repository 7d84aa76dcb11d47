//! Tell approvers what waits for them, and requestors what was decided.

use std::collections::HashMap;

use entity::{approval, approval_approver};
use uuid::Uuid;

use super::Content;
use super::content::{AccessAsked, AccessDecision};
use super::tell::{Notice, tell};
use crate::id::Kind;
use crate::store::approval::Asked;
use crate::store::{self, Said, StoreError, Txn};

/// How a request was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Its last stage agreed.
    Approved,
    /// An approver refused.
    Denied,
    /// Nobody decided in time.
    TimedOut,
    /// Nobody decided before the end that it asks for.
    EndPassed,
}

/// Why Guichet withdraws a request that was to start.
#[derive(Clone, Debug)]
pub enum Withdrawal<'a> {
    /// The packages with these names stand against it.
    Incompatible(Vec<&'a str>),
    /// Its end came before it was started.
    EndPassed,
}

/// Tells approvers that these stages wait for them: two statements, however many there are.
pub async fn waits(
    txn: &Txn,
    stages: &[approval::Model],
    approvers: &[approval_approver::Model],
) -> Result<(), StoreError> {
    if approvers.is_empty() {
        return Ok(());
    }
    let requests: Vec<Uuid> = stages.iter().map(|stage| stage.request_id).collect();
    let asked = asked(txn, &requests).await?;
    let stages: HashMap<Uuid, &approval::Model> = stages.iter().map(|stage| (stage.id, stage)).collect();
    let notice = |approver: &approval_approver::Model| {
        let stage = stages.get(&approver.approval_id)?;
        let asked = asked.get(&stage.request_id)?;
        Some(Notice {
            receiver: approver.user_id,
            subject: Some((Kind::AccessRequest, stage.request_id)),
            content: Content::ApprovalPending(AccessAsked {
                request: stage.request_id,
                package_name: asked.package_name.clone(),
                requestor_name: asked.requestor_name.clone(),
                justification: asked.justification.clone(),
                expires_at: stage.expires_at,
            }),
        })
    };
    tell(txn, approvers.iter().filter_map(notice).collect()).await
}

/// Tells requestors what was decided about their requests, with the same said about all: two statements, however
/// many there are.
pub async fn decided(
    txn: &Txn,
    requests: &[Uuid],
    outcome: Decided,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    decided_each(txn, requests, outcome, Said::All(reason)).await
}

/// Tells requestors what was decided about their requests: two statements, however many there are.
pub async fn decided_each(
    txn: &Txn,
    requests: &[Uuid],
    outcome: Decided,
    said: Said<'_>,
) -> Result<(), StoreError> {
    if requests.is_empty() {
        return Ok(());
    }
    let asked = asked(txn, requests).await?;
    let notice = |request: &Uuid| {
        let asked = asked.get(request)?;
        let told = AccessDecision {
            request: *request,
            package_name: asked.package_name.clone(),
            reason: said.about(*request).map(str::to_owned),
            timed_out: outcome == Decided::TimedOut,
            end_passed: outcome == Decided::EndPassed,
        };
        Some(Notice {
            receiver: asked.requestor,
            subject: Some((Kind::AccessRequest, *request)),
            content: match outcome {
                Decided::Approved => Content::AccessRequestApproved(told),
                Decided::Denied | Decided::TimedOut | Decided::EndPassed => {
                    Content::AccessRequestDenied(told)
                }
            },
        })
    };
    tell(txn, requests.iter().filter_map(notice).collect()).await
}

/// Tells requestors that Guichet withdrew their requests, and why: two statements, however many there are.
pub async fn withdrawn(txn: &Txn, requests: &[(Uuid, Withdrawal<'_>)]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = requests.iter().map(|(request, _)| *request).collect();
    let asked = asked(txn, &ids).await?;
    let notice = |(request, why): &(Uuid, Withdrawal<'_>)| {
        let asked = asked.get(request)?;
        let reason = match why {
            Withdrawal::Incompatible(against) => {
                let names: Vec<String> = against.iter().map(|name| format!("“{name}”")).collect();
                Some(format!("It cannot be held together with {}.", names.join(" and ")))
            }
            Withdrawal::EndPassed => None,
        };
        let told = AccessDecision {
            request: *request,
            package_name: asked.package_name.clone(),
            reason,
            timed_out: false,
            end_passed: matches!(why, Withdrawal::EndPassed),
        };
        Some(Notice {
            receiver: asked.requestor,
            subject: Some((Kind::AccessRequest, *request)),
            content: Content::AccessRequestWithdrawn(told),
        })
    };
    tell(txn, requests.iter().filter_map(notice).collect()).await
}

async fn asked(txn: &Txn, requests: &[Uuid]) -> Result<HashMap<Uuid, Asked>, StoreError> {
    let asked = store::approval::asked(txn, requests).await?;
    Ok(asked.into_iter().map(|asked| (asked.request, asked)).collect())
}
