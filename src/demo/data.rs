//! What the demo tells: two organizations, and an on-call group that somebody deleted.
//!
//! At Contoso the group `oncall` is missing in the directory. Everybody who asked
//! for the package *On-call* got nothing, everybody who asked for *Backend
//! engineer* got the rest. Some of that was 15 days ago, too late to reprocess.

use chrono::{DateTime, Utc};
use entity::access_request::AccessRequestState as State;
use entity::assignment_policy::RequestorScope;
use entity::catalog_role_assignment::CatalogRole;
use entity::delivery::DeliveryErrorCode;
use entity::resource::ResourceKind::{Application, Group};

use super::story::Delivered::{Done, Failed, Waiting};
use super::story::{Delivered, Story};

const MISSING: Delivered = Failed(DeliveryErrorCode::ResourceNotFound, "There is no group \"oncall\".");
const AWAY: Delivered = Waiting(DeliveryErrorCode::RemoteUnavailable, "The directory was being restored.");

/// Contoso, where the story plays.
#[must_use]
pub fn contoso(now: DateTime<Utc>) -> Story {
    let mut story = Story::new("contoso", "Contoso", "contoso.example", now);
    let people = [
        ("alice", "Alice Martin", None),
        ("bruno", "Bruno Keller", Some("alice")),
        ("chloe", "Chloé Dubois", Some("alice")),
        ("deniz", "Deniz Yılmaz", Some("alice")),
        ("emil", "Emil Novák", Some("bruno")),
        ("farah", "Farah Haddad", Some("bruno")),
        ("goran", "Göran Lindqvist", Some("bruno")),
        ("hana", "Hana Sato", Some("goran")),
        ("ivan", "Ivan Petrov", Some("goran")),
        ("judith", "Judith Okafor", Some("goran")),
        ("karim", "Karim Benali", Some("goran")),
        ("lena", "Lena Fischer", Some("goran")),
    ];
    for (subject, name, manager) in people {
        story.person(subject, name, manager);
    }
    let directory = "Company directory";
    story.directory(directory);
    for (origin, name) in [
        ("backend", "Backend engineers"),
        ("frontend", "Frontend engineers"),
        ("prod-readers", "Production readers"),
        ("campaigns", "Campaign editors"),
        ("ledger", "Ledger readers"),
        ("board", "Board papers"),
    ] {
        story.group(directory, origin, name);
    }
    story.catalog("Engineering", "Everything that engineers need.", directory, false);
    story.catalog("Marketing", "Campaigns and their tools; partners may ask.", directory, true);
    story.catalog("Finance", "The books.", directory, false);
    for (subject, role) in [
        ("goran", CatalogRole::CatalogOwner),
        ("hana", CatalogRole::AccessPackageManager),
        ("ivan", CatalogRole::AccessPackageAssignmentManager),
        ("judith", CatalogRole::CatalogReader),
    ] {
        story.holds(subject, role, "Engineering");
    }
    story.resource("Engineering", directory, Group, "backend", "Backend engineers");
    story.resource("Engineering", directory, Group, "frontend", "Frontend engineers");
    story.resource("Engineering", directory, Group, "oncall", "On-call rotation");
    story.resource("Engineering", directory, Application, "prod-readers", "Production console");
    story.resource("Marketing", directory, Group, "campaigns", "Campaign editors");
    story.resource("Finance", directory, Group, "ledger", "Ledger readers");
    story.resource("Finance", directory, Group, "board", "Board papers");

    story.package(
        "Engineering",
        "Backend engineer",
        "Code, production console and the on-call rotation.",
        &["backend", "prod-readers", "oncall"],
    );
    story.policy("Backend engineer", "Everybody here", RequestorScope::AllMembers, Some(180));
    story.package("Engineering", "Frontend engineer", "Code of the front ends.", &["frontend"]);
    story.policy("Frontend engineer", "Everybody here", RequestorScope::AllMembers, Some(180));
    story.package("Engineering", "On-call", "The on-call rotation alone.", &["oncall"]);
    story.policy("On-call", "Everybody here", RequestorScope::AllMembers, Some(30));
    story.package("Marketing", "Campaign editor", "Write and publish campaigns.", &["campaigns"]);
    story.policy("Campaign editor", "Members and guests", RequestorScope::AllUsers, None);
    story.package("Finance", "Ledger reader", "Read the books; your manager decides.", &["ledger"]);
    story.policy("Ledger reader", "With the manager's approval", RequestorScope::AllMembers, Some(90));
    story.approved_by_manager();
    story.package("Finance", "Board papers", "Assigned by administrators only.", &["board"]);
    story.hidden();
    story.policy("Board papers", "Direct assignment", RequestorScope::Nobody, None);

    story.connected(
        "fabrikam",
        "Fabrikam",
        "Makes the machines that Contoso's campaigns are about.",
        "bruno",
    );

    for (subject, hours) in [("karim", 20), ("lena", 22), ("judith", 26), ("farah", 30)] {
        story.request(subject, "On-call", State::DeliveryFailed, hours, &[MISSING]);
    }
    for (subject, hours) in [("emil", 15 * 24 + 2), ("deniz", 15 * 24 + 5), ("chloe", 15 * 24 + 9)] {
        story.request(subject, "On-call", State::DeliveryFailed, hours, &[MISSING]);
    }
    for (subject, hours) in [("karim", 45), ("lena", 47), ("ivan", 70)] {
        story.request(subject, "Backend engineer", State::PartiallyDelivered, hours, &[Done, Done, MISSING]);
    }
    for (subject, hours) in [("hana", 200), ("judith", 300), ("ivan", 310)] {
        story.request(subject, "Frontend engineer", State::Delivered, hours, &[Done]);
    }
    for (subject, hours) in [("chloe", 500), ("deniz", 510)] {
        story.request(subject, "Campaign editor", State::Delivered, hours, &[Done]);
    }
    story.request("lena", "Campaign editor", State::Delivering, 1, &[AWAY]);
    story.request("karim", "Ledger reader", State::PendingApproval, 5, &[]);
    story.request("lena", "Ledger reader", State::PendingApproval, 28, &[]);
    // Nobody is left to decide on what Alice asks for: she has no manager, and the catalog no owner.
    story.request("alice", "Ledger reader", State::PendingApproval, 3, &[]);
    story.request("judith", "Ledger reader", State::Denied, 120, &[]);
    story.request("hana", "Ledger reader", State::Canceled, 90, &[]);
    story.request("ivan", "Ledger reader", State::Submitted, 0, &[]);
    story.request("emil", "Frontend engineer", State::Scheduled, 10, &[]);
    story
}

/// Fabrikam, which must see nothing of Contoso.
#[must_use]
pub fn fabrikam(now: DateTime<Utc>) -> Story {
    let mut story = Story::new("fabrikam", "Fabrikam", "fabrikam.example", now);
    let people = [
        ("mila", "Mila Rossi", None),
        ("nils", "Nils Berg", Some("mila")),
        ("olga", "Olga Ivanova", Some("mila")),
        ("pablo", "Pablo Ortega", Some("mila")),
        ("qing", "Qing Li", Some("nils")),
        ("rosa", "Rosa Almeida", Some("nils")),
        ("samir", "Samir Patel", Some("nils")),
        ("tara", "Tara Byrne", Some("nils")),
        ("umar", "Umar Khan", Some("olga")),
        ("vera", "Vera Kovács", Some("olga")),
        ("wim", "Wim de Vries", Some("olga")),
        ("yara", "Yara Nasser", Some("olga")),
    ];
    for (subject, name, manager) in people {
        story.person(subject, name, manager);
    }
    let directory = "Staff directory";
    story.directory(directory);
    story.group(directory, "workshop", "Workshop");
    story.group(directory, "designs", "Design archive");
    story.catalog("Workshop", "Machines and designs.", directory, true);
    story.holds("nils", CatalogRole::CatalogOwner, "Workshop");
    story.resource("Workshop", directory, Group, "workshop", "Workshop");
    story.resource("Workshop", directory, Group, "designs", "Design archive");
    story.package("Workshop", "Workshop access", "The doors and the machines.", &["workshop", "designs"]);
    story.policy("Workshop access", "Everybody here", RequestorScope::AllMembers, Some(365));
    story.package("Workshop", "Designs", "The archive; your manager decides.", &["designs"]);
    story.policy("Designs", "With the manager's approval", RequestorScope::AllMembers, Some(365));
    story.approved_by_manager();
    story.connected("contoso", "Contoso", "Sells what the workshop makes.", "nils");
    story.request("tara", "Designs", State::PendingApproval, 6, &[]);
    for (subject, hours) in [("qing", 100), ("rosa", 130), ("samir", 160)] {
        story.request(subject, "Workshop access", State::Delivered, hours, &[Done, Done]);
    }
    let refused = Failed(DeliveryErrorCode::RejectedByRemote, "The group was locked by its owner.");
    story.request("tara", "Workshop access", State::PartiallyDelivered, 60, &[Done, refused]);
    story
}
