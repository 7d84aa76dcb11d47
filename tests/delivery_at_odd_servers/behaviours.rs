//! The rows of the table: what the server does, who is there already, and what happens after the first
//! giving.

use crate::harness::odd_scim::Oddity;

/// A row of the table.
pub struct Behaviour {
    pub name: &'static str,
    pub family: Family,
    pub oddities: &'static [Oddity],
    /// The accounts of the people before Guichet writes anything.
    pub accounts: Accounts,
    /// What happens when the first person has been given access.
    pub after: After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Reading,
    Writing,
    Users,
    Protocol,
}

/// Which accounts the people have at the remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// None: Guichet makes them.
    None,
    /// Their `userName` is their address.
    ByAddress,
    /// Their `userName` is their address, with a capital.
    ByAddressWithCapital,
    /// Their `userName` is a staff number; their address is among the `emails`.
    ByStaffNumber,
    /// None, and the group has 600 other members.
    Crowd,
}

/// What happens at the remote after the first giving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    Nothing,
    /// The server changes its behaviour.
    Set(Oddity),
    /// The company's directory deletes the first person's account.
    DeleteAccount,
    /// The group is deleted.
    DeleteGroup,
}

const fn row(name: &'static str, family: Family, oddities: &'static [Oddity]) -> Behaviour {
    Behaviour { name, family, oddities, accounts: Accounts::None, after: After::Nothing }
}

const fn reading(name: &'static str, oddities: &'static [Oddity]) -> Behaviour {
    row(name, Family::Reading, oddities)
}

const fn writing(name: &'static str, oddities: &'static [Oddity]) -> Behaviour {
    row(name, Family::Writing, oddities)
}

const fn users(name: &'static str, oddities: &'static [Oddity]) -> Behaviour {
    row(name, Family::Users, oddities)
}

const fn protocol(name: &'static str, oddities: &'static [Oddity]) -> Behaviour {
    row(name, Family::Protocol, oddities)
}

impl Behaviour {
    const fn with(self, accounts: Accounts) -> Self {
        Self { accounts, ..self }
    }

    const fn then(self, after: After) -> Self {
        Self { after, ..self }
    }
}

pub const BEHAVIOURS: &[Behaviour] = &[
    reading("faithful", &[]),
    reading("faithful_with_accounts", &[]).with(Accounts::ByAddress),
    reading("members_left_out", &[Oddity::MembersLeftOut]),
    reading("members_empty", &[Oddity::MembersEmpty]),
    reading("first_members_only", &[Oddity::FirstMembersOnly(2)]),
    reading("ref_only", &[Oddity::RefOnly]),
    reading("other_case_ids", &[Oddity::OtherCaseIds]),
    reading("numeric_ids", &[Oddity::NumericIds]),
    reading("long_members", &[Oddity::LongMembers]).with(Accounts::Crowd),
    reading("readings_lag_a_write", &[Oddity::ReadingsLagWrites(1)]),
    reading("readings_lag_three_writes", &[Oddity::ReadingsLagWrites(3)]),
    reading("readings_lag_a_reading", &[Oddity::ReadingsLagReadings(1)]),
    reading("readings_lag_three_readings", &[Oddity::ReadingsLagReadings(3)]),
    writing("filtered_removal_not_done", &[Oddity::FilteredRemovalNotDone]),
    writing("removal_not_done", &[Oddity::RemovalNotDone]),
    writing("removal_shows_member", &[Oddity::RemovalShowsMember]),
    writing("add_not_done", &[Oddity::AddNotDone]),
    writing("add_replaces", &[Oddity::AddReplaces]),
    writing("add_drops_one", &[Oddity::AddDropsOne]),
    writing("add_repeats", &[Oddity::AddRepeats]),
    writing("add_repeats_unseen", &[Oddity::AddRepeats, Oddity::MembersLeftOut]),
    writing("removal_by_value_removes_all", &[Oddity::RemovalByValueRemovesAll]),
    writing(
        "only_a_removal_by_value_that_removes_all",
        &[Oddity::FilteredRemovalNotDone, Oddity::RemovalByValueRemovesAll],
    ),
    writing("removal_not_done_unseen", &[Oddity::RemovalNotDone, Oddity::MembersLeftOut]),
    writing("removal_not_done_first_only", &[Oddity::RemovalNotDone, Oddity::FirstMembersOnly(2)]),
    writing(
        "removal_by_value_removes_all_and_lags",
        &[Oddity::ReadingsLagReadings(1), Oddity::RemovalByValueRemovesAll],
    ),
    writing(
        "removal_by_value_removes_all_and_lags_writes",
        &[Oddity::ReadingsLagWrites(1), Oddity::RemovalByValueRemovesAll],
    ),
    writing("add_replaces_and_lags", &[Oddity::ReadingsLagReadings(1), Oddity::AddReplaces]),
    writing("refused_batch_commits_first", &[Oddity::RefusedBatchCommitsFirst]),
    writing("batch_with_member_fails", &[Oddity::BatchWithMemberFails]),
    writing("shifting_indexes", &[Oddity::ShiftingIndexes]),
    users("new_user_unknown_404", &[Oddity::NewUserUnknown { calls: 2, status: 404 }]),
    users("new_user_unknown_400", &[Oddity::NewUserUnknown { calls: 2, status: 400 }]),
    users("user_name_with_case", &[Oddity::UserNameWithCase]).with(Accounts::ByAddressWithCapital),
    users("others_accounts_hidden", &[Oddity::OthersAccountsHidden]).with(Accounts::ByAddress),
    users("made_inactive", &[Oddity::MadeInactive]),
    users("staff_numbers", &[]).with(Accounts::ByStaffNumber),
    users("external_id_refused_400", &[Oddity::ExternalIdRefused(400)]),
    users("external_id_refused_403", &[Oddity::ExternalIdRefused(403)]),
    users("external_id_refused_422", &[Oddity::ExternalIdRefused(422)]),
    users("external_id_refused_500", &[Oddity::ExternalIdRefused(500)]),
    users("account_vanishes", &[]).then(After::DeleteAccount),
    users("account_of_others_vanishes", &[]).with(Accounts::ByAddress).then(After::DeleteAccount),
    protocol("wants_plain_json", &[Oddity::WantsPlainJson]),
    protocol("if_match_refused", &[Oddity::IfMatchRefused]),
    protocol("weak_tags", &[Oddity::WeakTags]),
    protocol("pathless_only", &[Oddity::PathlessOnly]),
    protocol("filtered_removal_refused", &[Oddity::FilteredRemovalRefused]),
    protocol(
        "filtered_removal_refused_first_only",
        &[Oddity::FilteredRemovalRefused, Oddity::FirstMembersOnly(2)],
    ),
    protocol("throttled_429", &[throttled(429)]),
    protocol("throttled_400", &[throttled(400)]),
    protocol("throttled_403", &[throttled(403)]),
    protocol("throttled_400_later", &[]).then(After::Set(throttled(400))),
    protocol("throttled_403_later", &[]).then(After::Set(throttled(403))),
    protocol("token_expires", &[]).then(After::Set(Oddity::TokenExpired)),
    protocol("base_url_goes", &[]).then(After::Set(Oddity::NotFoundPage)),
    protocol("redirects_later", &[]).then(After::Set(Oddity::Redirects)),
    protocol("unavailable_later", &[]).then(After::Set(Oddity::Unavailable)),
    protocol("group_deleted", &[]).then(After::DeleteGroup),
];

const fn throttled(status: u16) -> Oddity {
    Oddity::Throttled { status, retry_after: 120, calls: 2 }
}
