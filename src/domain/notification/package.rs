//! Tell those who added resource roles to a package that these could not be given to people who held it.

use chrono::TimeDelta;

use super::Content;
use super::content::{FailedRole, RoleFailure};
use super::tell::{Notice, tell};
use crate::id::Kind;
use crate::store::{StoreError, Transaction, Txn, package_notice};

/// What the notice is remembered as.
pub const NOTICE: &str = "PACKAGE_ROLE_FAILED";
/// How long after the first failure it is told: what fails meanwhile is told along.
pub const GATHER: TimeDelta = TimeDelta::minutes(1);
/// How many changes one transaction tells of.
const BATCH: u64 = 100;

/// Tells once for each change of a package that added roles which failed; returns how many notices were written.
pub struct TellFailed;

impl Transaction for TellFailed {
    type Output = usize;
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<usize, StoreError> {
        let failed = package_notice::note_told(txn, NOTICE, txn.now() - GATHER, BATCH).await?;
        let is_one = |left: &package_notice::FailedRole, right: &package_notice::FailedRole| {
            (left.package, left.added_by, left.added_at) == (right.package, right.added_by, right.added_at)
        };
        let notice = |change: &[package_notice::FailedRole]| {
            let first = change.first()?;
            let role = |row: &package_notice::FailedRole| FailedRole {
                name: row.resource_name.clone(),
                people: u64::try_from(row.people).unwrap_or_default(),
            };
            Some(Notice {
                receiver: first.added_by,
                subject: Some((Kind::AccessPackage, first.package)),
                content: Content::PackageRoleFailed(RoleFailure {
                    package: first.package,
                    package_name: first.package_name.clone(),
                    roles: change.iter().map(role).collect(),
                }),
            })
        };
        let notices: Vec<Notice> = failed.chunk_by(is_one).filter_map(notice).collect();
        let told = notices.len();
        tell(txn, notices).await?;
        Ok(told)
    }
}
