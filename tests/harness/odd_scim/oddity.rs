//! What real SCIM servers do beside the standard, one variant each.

/// One way in which the server departs from RFC 7643 and 7644.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    // Reading a group.
    /// A group is shown without `members`. AWS IAM Identity Center never gives them.
    MembersLeftOut,
    /// `members` is always `[]`. Seen in reports: servers that fill the list for their own pages only.
    MembersEmpty,
    /// Only so many members are shown, and nothing says that there are more. Seen in reports: page limits
    /// of 100 on `members`.
    FirstMembersOnly(usize),
    /// A member is only `{"$ref": …}`, without `value`. Seen in reports; RFC 7643 §4.2 requires neither.
    RefOnly,
    /// The ids of members come in the other case than those of users; writes take either. Seen in reports:
    /// servers that keep GUIDs in Microsoft SQL Server.
    OtherCaseIds,
    /// Ids are JSON numbers (RFC 7643 §3.1 wants strings). Seen in reports: servers with serial ids.
    NumericIds,
    /// Members come with `$ref`, `type` and a `display` of 2 kB, so that 600 of them are longer than 1 MiB.
    /// jelhub/scimgateway issue 71 tells of answers of 120 MB.
    LongMembers,
    /// A reading shows the group as it was so many writes ago. Seen in reports: replicas of a database.
    ReadingsLagWrites(usize),
    /// The first readings after a write, this many, show what was before it. Seen in reports: caches.
    ReadingsLagReadings(usize),

    // Writing a group.
    /// Removal by filter answers 204 and does nothing; by value it works.
    /// Captain-P-Goldfish/SCIM-SDK issue 54.
    FilteredRemovalNotDone,
    /// Removal in whatever form answers 204 and does nothing. Captain-P-Goldfish/SCIM-SDK issue 54.
    RemovalNotDone,
    /// Removal by filter answers 200 with a group that still lists the person, and does nothing; by value it
    /// works. WSO2 Identity Server: wso2/product-is issues 7040 and 7475.
    RemovalShowsMember,
    /// `add` answers 204 and does nothing. pond/scimitar issue 8.
    AddNotDone,
    /// `add` replaces the whole list. msaad00/agent-bom issue 3533.
    AddReplaces,
    /// `add` drops the first of the other members. fleetdm/fleet pull request 51961: a list read before
    /// is written back.
    AddDropsOne,
    /// `add` lists a member again who is listed already. AzureAD/SCIMReferenceCode issue 10.
    AddRepeats,
    /// `remove` of `members` with a `value` removes everybody, as RFC 7644 §3.5.2.2 says by the letter.
    /// simpleidserver/SimpleIdServer issue 244, apache/directory-scimple issue 436.
    RemovalByValueRemovesAll,
    /// A PATCH of several operations that is refused has committed the first. RFC 7644 §3.5.2 wants all or
    /// nothing. Seen in reports.
    RefusedBatchCommitsFirst,
    /// A PATCH that adds several answers 500 if one is a member already. Seen in reports: a unique index.
    BatchWithMemberFails,
    /// A PATCH of several filtered removals finds all places first, and then removes by place: after the
    /// first removal it removes others. Seen in reports.
    ShiftingIndexes,

    // Users.
    /// The next calls that put a user who was just made into a group, so many, are refused with this status
    /// and the user's id. wso2/product-is issue 9800, awslabs/ssosync issue 42.
    NewUserUnknown {
        /// How many calls are refused for each user.
        calls: u32,
        /// 404 or 400.
        status: u16,
    },
    /// `userName` is compared with case (RFC 7643 §4.1.1 wants it without). Seen in reports.
    UserNameWithCase,
    /// Filters find nobody whom this token did not make, and POST answers 409 for them.
    /// buildbuddy-io/buildbuddy pull request 8848.
    OthersAccountsHidden,
    /// POST makes an account that is `active: false`, whatever it was told, until a PATCH activates it.
    /// Seen in reports: accounts that wait for an invitation to be accepted.
    MadeInactive,
    /// A filter by `externalId` is refused with this status. 400: OctopusDeploy/Issues 9841 and
    /// better-auth/better-auth issue 10419; 500: goauthentik/authentik pull request 25987; 403, 422: seen
    /// in reports.
    ExternalIdRefused(u16),

    // The protocol.
    /// 415 to `application/scim+json`. better-auth/better-auth pull request 6365.
    WantsPlainJson,
    /// 501 to `If-Match`. Seen in reports.
    IfMatchRefused,
    /// Entity tags are weak and compared as RFC 9110 §13.1.1 says: `If-Match` never fits, 412. Seen in
    /// reports.
    WeakTags,
    /// A PATCH with `path` is refused with 400; the value must be an object. The form that Entra ID writes
    /// for attributes (langwatch/langwatch issue 7131). Seen in reports as the only one taken.
    PathlessOnly,
    /// 501 to a removal by filter; by value it works. Seen in reports: servers made for Entra ID.
    FilteredRemovalRefused,
    /// The next calls, so many, are refused. 429: Slack, Miro; 403: GitHub's secondary limits; 400: seen in
    /// reports.
    Throttled {
        /// 429, 400 or 403.
        status: u16,
        /// The `Retry-After` of the refusal, in seconds.
        retry_after: u32,
        /// How many calls are refused.
        calls: u32,
    },
    /// Every call gets 401: the token has expired.
    TokenExpired,
    /// Every call gets 404 with an HTML page: the base URL is wrong.
    NotFoundPage,
    /// Every call is redirected to a sign-in page.
    Redirects,
    /// Every call gets 503.
    Unavailable,
}
