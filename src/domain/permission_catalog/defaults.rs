//! The permissions and classic scopes that every organization has: GitHub's names and levels.

use entity::permission_definition::PermissionTarget::{self, Organization, Repository};
use entity::repository_access::AccessLevel::{self, Admin, Read, Write};

/// A permission that comes with Guichet.
pub(super) struct Default {
    pub target: PermissionTarget,
    pub name: &'static str,
    pub lowest: AccessLevel,
    pub highest: AccessLevel,
    pub administrative: bool,
    pub description: &'static str,
}

/// What a classic scope holds.
pub(super) enum Holds {
    /// One permission, at this level.
    One(PermissionTarget, &'static str, AccessLevel),
    /// Every permission for repositories but `workflows`, at its highest level.
    EveryRepository,
    /// The same, for public repositories only.
    EveryPublicRepository,
}

const fn on(
    target: PermissionTarget,
    name: &'static str,
    (lowest, highest): (AccessLevel, AccessLevel),
    administrative: bool,
    description: &'static str,
) -> Default {
    Default { target, name, lowest, highest, administrative, description }
}

const R: (AccessLevel, AccessLevel) = (Read, Read);
const W: (AccessLevel, AccessLevel) = (Write, Write);
const RW: (AccessLevel, AccessLevel) = (Read, Write);
const RWA: (AccessLevel, AccessLevel) = (Read, Admin);

/// For those who may do it at that level.
const USUAL: bool = false;
/// For those who administer the target.
const ADMINISTRATIVE: bool = true;

/// The permissions, by target and name.
pub(super) const PERMISSIONS: [Default; 56] = [
    on(Repository, "actions", RW, USUAL, "Workflow runs and their artifacts."),
    on(Repository, "actions_variables", RW, ADMINISTRATIVE, "Variables of workflows."),
    on(Repository, "administration", RW, ADMINISTRATIVE, "Settings of the repository, and who may use it."),
    on(Repository, "artifact_metadata", RW, USUAL, "What is known of built artifacts."),
    on(Repository, "attestations", RW, USUAL, "Attestations of builds."),
    on(Repository, "codespaces", RW, USUAL, "Development environments."),
    on(
        Repository,
        "codespaces_lifecycle_admin",
        RW,
        USUAL,
        "Starting and stopping development environments.",
    ),
    on(Repository, "codespaces_metadata", R, USUAL, "What development environments can be had."),
    on(Repository, "codespaces_secrets", W, ADMINISTRATIVE, "Secrets of development environments."),
    on(Repository, "contents", RW, USUAL, "Files, branches, commits, releases and merges."),
    on(Repository, "dependabot_secrets", RW, ADMINISTRATIVE, "Secrets of dependency updates."),
    on(Repository, "deployments", RW, USUAL, "Deployments and their states."),
    on(Repository, "discussions", RW, USUAL, "Discussions with their comments."),
    on(Repository, "environments", RW, ADMINISTRATIVE, "Environments that are deployed to."),
    on(Repository, "issues", RW, USUAL, "Issues with their comments, labels and milestones."),
    on(Repository, "merge_queues", RW, USUAL, "The queue of what is to be merged."),
    on(
        Repository,
        "metadata",
        R,
        USUAL,
        "Name, description and collaborators; every token that reaches a repository holds it.",
    ),
    on(Repository, "pages", RW, USUAL, "The published pages and their builds."),
    on(Repository, "pull_requests", RW, USUAL, "Pull requests with their comments and reviews."),
    on(
        Repository,
        "repository_advisories",
        RW,
        ADMINISTRATIVE,
        "Security advisories that are being written.",
    ),
    on(
        Repository,
        "repository_custom_properties",
        RW,
        ADMINISTRATIVE,
        "Values of the organization's own properties.",
    ),
    on(Repository, "repository_hooks", RW, ADMINISTRATIVE, "Webhooks of the repository."),
    on(Repository, "secret_scanning_alerts", RW, ADMINISTRATIVE, "Alerts of secrets that were found."),
    on(Repository, "secrets", RW, ADMINISTRATIVE, "Secrets of workflows."),
    on(Repository, "security_events", RW, ADMINISTRATIVE, "Alerts of code scanning."),
    on(Repository, "statuses", RW, USUAL, "States of commits."),
    on(Repository, "vulnerability_alerts", RW, ADMINISTRATIVE, "Alerts of vulnerable dependencies."),
    on(Repository, "workflows", W, USUAL, "The files that describe workflows."),
    on(Organization, "issue_types", RW, ADMINISTRATIVE, "The types that issues can have."),
    on(Organization, "members", RW, USUAL, "Members and teams."),
    on(Organization, "organization_actions_variables", RW, ADMINISTRATIVE, "Variables of all workflows."),
    on(Organization, "organization_administration", RW, ADMINISTRATIVE, "Settings of the organization."),
    on(
        Organization,
        "organization_announcement_banners",
        RW,
        ADMINISTRATIVE,
        "Announcements to all members.",
    ),
    on(Organization, "organization_api_insights", R, ADMINISTRATIVE, "How the API is used."),
    on(Organization, "organization_campaigns", RW, ADMINISTRATIVE, "Campaigns against alerts."),
    on(
        Organization,
        "organization_code_scanning_dismissal_requests",
        RW,
        ADMINISTRATIVE,
        "Requests to dismiss alerts.",
    ),
    on(
        Organization,
        "organization_codespaces",
        RW,
        ADMINISTRATIVE,
        "Development environments of all members.",
    ),
    on(
        Organization,
        "organization_codespaces_secrets",
        RW,
        ADMINISTRATIVE,
        "Secrets of all development environments.",
    ),
    on(
        Organization,
        "organization_codespaces_settings",
        RW,
        ADMINISTRATIVE,
        "Settings of development environments.",
    ),
    on(
        Organization,
        "organization_copilot_seat_management",
        RW,
        ADMINISTRATIVE,
        "Who has a seat of the assistant.",
    ),
    on(Organization, "organization_custom_org_roles", RW, ADMINISTRATIVE, "The organization's own roles."),
    on(
        Organization,
        "organization_custom_properties",
        RWA,
        ADMINISTRATIVE,
        "The organization's own properties.",
    ),
    on(
        Organization,
        "organization_custom_roles",
        RW,
        ADMINISTRATIVE,
        "The organization's own roles in repositories.",
    ),
    on(
        Organization,
        "organization_dependabot_secrets",
        RW,
        ADMINISTRATIVE,
        "Secrets of all dependency updates.",
    ),
    on(Organization, "organization_events", R, USUAL, "What happens in the organization."),
    on(Organization, "organization_hooks", RW, ADMINISTRATIVE, "Webhooks of the organization."),
    on(Organization, "organization_knowledge_bases", RW, ADMINISTRATIVE, "Collections of knowledge."),
    on(Organization, "organization_models", R, USUAL, "Language models."),
    on(
        Organization,
        "organization_network_configurations",
        RW,
        ADMINISTRATIVE,
        "Networks of hosted runners.",
    ),
    on(Organization, "organization_plan", R, ADMINISTRATIVE, "The plan of the organization."),
    on(
        Organization,
        "organization_private_registries",
        RW,
        ADMINISTRATIVE,
        "Private registries of packages.",
    ),
    on(Organization, "organization_projects", RWA, USUAL, "Projects of the organization."),
    on(Organization, "organization_secrets", RW, ADMINISTRATIVE, "Secrets of all workflows."),
    on(
        Organization,
        "organization_self_hosted_runners",
        RW,
        ADMINISTRATIVE,
        "Runners of the organization's own.",
    ),
    on(Organization, "organization_user_blocking", RW, ADMINISTRATIVE, "Who is blocked."),
    on(Organization, "team_discussions", RW, USUAL, "Discussions of teams."),
];

use Holds::{EveryPublicRepository, EveryRepository, One};

/// The classic scopes, by name, with what they hold of the organization. A scope that is about the
/// user alone holds nothing.
pub(super) const SCOPES: [(&str, &[Holds]); 40] = [
    ("admin:gpg_key", &[]),
    (
        "admin:org",
        &[
            One(Organization, "members", Write),
            One(Organization, "organization_administration", Write),
            One(Organization, "organization_projects", Admin),
            One(Organization, "organization_secrets", Write),
            One(Organization, "organization_self_hosted_runners", Write),
            One(Organization, "organization_user_blocking", Write),
            One(Organization, "team_discussions", Write),
        ],
    ),
    ("admin:org_hook", &[One(Organization, "organization_hooks", Write)]),
    ("admin:public_key", &[]),
    ("admin:repo_hook", &[One(Repository, "repository_hooks", Write)]),
    ("admin:ssh_signing_key", &[]),
    ("codespace", &[One(Repository, "codespaces", Write), One(Repository, "codespaces_metadata", Read)]),
    ("codespace:secrets", &[One(Repository, "codespaces_secrets", Write)]),
    ("delete:packages", &[]),
    ("delete_repo", &[One(Repository, "administration", Write)]),
    ("gist", &[]),
    ("notifications", &[]),
    ("project", &[One(Organization, "organization_projects", Write)]),
    ("public_repo", &[EveryPublicRepository]),
    ("read:audit_log", &[One(Organization, "organization_administration", Read)]),
    ("read:discussion", &[One(Organization, "team_discussions", Read)]),
    ("read:gpg_key", &[]),
    ("read:org", &[One(Organization, "members", Read), One(Organization, "organization_projects", Read)]),
    ("read:packages", &[]),
    ("read:project", &[One(Organization, "organization_projects", Read)]),
    ("read:public_key", &[]),
    ("read:repo_hook", &[One(Repository, "repository_hooks", Read)]),
    ("read:ssh_signing_key", &[]),
    ("read:user", &[]),
    ("repo", &[EveryRepository]),
    ("repo:invite", &[]),
    ("repo:status", &[One(Repository, "statuses", Write)]),
    ("repo_deployment", &[One(Repository, "deployments", Write)]),
    ("security_events", &[One(Repository, "security_events", Write)]),
    ("user", &[]),
    ("user:email", &[]),
    ("user:follow", &[]),
    ("workflow", &[One(Repository, "workflows", Write)]),
    ("write:discussion", &[One(Organization, "team_discussions", Write)]),
    ("write:gpg_key", &[]),
    ("write:org", &[One(Organization, "members", Write), One(Organization, "organization_projects", Write)]),
    ("write:packages", &[]),
    ("write:public_key", &[]),
    ("write:repo_hook", &[One(Repository, "repository_hooks", Write)]),
    ("write:ssh_signing_key", &[]),
];
