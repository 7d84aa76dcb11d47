//! What the demo tells of access tokens: whose they are, what they ask for, and what became of it.
//!
//! At Contoso twenty requests wait for Farah, who owns the organization. Karim's *Deploy bot* may read, and
//! asks to write; his *Laptop* asks for everything. None of the twenty expires within two weeks, so that the
//! walk-through holds for a demo that is taken up again later.

use chrono::{DateTime, Utc};
use entity::permission_definition::PermissionTarget::{Organization, Repository};
use entity::repository_access::AccessLevel::{Read, Write};
use entity::token_request::AutomaticReason;

use super::token_rows::In::{Everything, Nothing, These};
use super::token_rows::{Life, May, Rows};

/// The hours of a day.
const DAY: i64 = 24;

const READ_CODE: May = (Repository, "contents", Read);
const WRITE_CODE: May = (Repository, "contents", Write);
const READ_ISSUES: May = (Repository, "issues", Read);
const WRITE_ISSUES: May = (Repository, "issues", Write);
const READ_CHANGES: May = (Repository, "pull_requests", Read);
const WRITE_CHANGES: May = (Repository, "pull_requests", Write);
const READ_MEMBERS: May = (Organization, "members", Read);

/// The times of a token: made so many hours ago, expires in so many, used so many ago.
const fn life(made: i64, ends: i64, used: Option<i64>) -> Life {
    Life { made, ends: Some(ends), used }
}

/// Contoso's: twenty requests wait.
#[must_use]
pub fn contoso(now: DateTime<Utc>) -> Rows {
    let mut told = Rows::new("contoso", "farah", now);
    of_karim(&mut told);
    of_lena(&mut told);
    of_goran(&mut told);
    of_ivan(&mut told);
    of_the_others(&mut told);
    told
}

fn of_karim(told: &mut Rows) {
    told.fine_grained("karim", "Deploy bot", life(60 * DAY, 120 * DAY, Some(2)));
    told.asks(60 * DAY, "Builds what is merged.", These(&["payments-api"]), &[READ_CODE]);
    told.approved(59 * DAY);
    told.asks(
        2 * DAY,
        "The bot is to deploy what it has built, to machines, too.",
        These(&["payments-api", "infrastructure"]),
        &[WRITE_CODE, (Repository, "deployments", Write), (Repository, "secrets", Read)],
    );
    told.fine_grained("karim", "Laptop", life(5 * DAY, 360 * DAY, None));
    told.asks(5 * DAY, "So that I need no other one.", Everything, &[WRITE_CODE, WRITE_CHANGES]);
    told.fine_grained("karim", "Release notes", life(30, 60 * DAY, Some(6)));
    let notes = [READ_CODE, READ_CHANGES];
    told.asks(30, "Writes the notes of each release.", These(&["payments-api", "website"]), &notes);
    told.fine_grained("karim", "Status checks", life(18, 30 * DAY, None));
    told.asks(
        18,
        "Shows on each change whether the pages still build.",
        These(&["website"]),
        &[(Repository, "statuses", Write)],
    );

    told.fine_grained("karim", "Nightly build", life(86 * DAY, 4 * DAY, Some(7)));
    told.asks(86 * DAY, "The nightly build.", These(&["payments-api", "website"]), &[READ_CODE]);
    told.approved(85 * DAY);
    told.fine_grained("karim", "Old crawler", life(9 * DAY, 80 * DAY, None));
    told.asks(
        9 * DAY,
        "Finds what nobody uses.",
        These(&["payments-api"]),
        &[READ_CODE, (Repository, "administration", Write)],
    );
    told.denied(8 * DAY, "No program changes who may use the payments.");
    told.fine_grained("karim", "Chat bot", life(22 * DAY, 70 * DAY, None));
    told.asks(22 * DAY, "Answers questions about changes.", Everything, &[READ_CHANGES]);
    told.withdrawn(21 * DAY);
    let forever = Life { made: 380 * DAY, ends: None, used: Some(40) };
    told.classic("karim", "Old scripts", forever, &["repo", "read:org"]);
}

fn of_lena(told: &mut Rows) {
    told.fine_grained("lena", "Crash reports", life(3 * DAY, 90 * DAY, Some(20)));
    told.asks(3 * DAY, "Opens an issue for each crash.", These(&["mobile-app"]), &[WRITE_ISSUES]);
    told.fine_grained("lena", "Store upload", life(6 * DAY, 20 * DAY, None));
    told.asks(
        6 * DAY,
        "Uploads the app for the next release.",
        These(&["mobile-app"]),
        &[READ_CODE, (Repository, "deployments", Write)],
    );
    told.fine_grained("lena", "Website preview", life(9, 30 * DAY, None));
    told.asks(
        9,
        "A preview of every change.",
        These(&["website"]),
        &[READ_CODE, (Repository, "pages", Write)],
    );
    told.fine_grained("lena", "Payments dashboard", life(4 * DAY, 180 * DAY, Some(50)));
    told.asks(
        4 * DAY,
        "A screen in the office with what runs and what failed.",
        These(&["payments-api"]),
        &[(Repository, "actions", Read), READ_ISSUES],
    );

    told.fine_grained("lena", "Old laptop", life(250 * DAY, 90 * DAY, Some(31 * DAY)));
    told.asks(250 * DAY, "My work.", These(&["website", "mobile-app"]), &[WRITE_CODE, WRITE_CHANGES]);
    told.approved(249 * DAY);
    told.given_up(30 * DAY);
    told.fine_grained("lena", "Trade fair", life(25 * DAY, -11 * DAY, None));
    told.asks(25 * DAY, "The demonstration at the fair.", These(&["mobile-app"]), &[READ_CODE]);
    told.expired();
    told.classic("lena", "Snippets", life(200 * DAY, -20 * DAY, Some(40 * DAY)), &["gist"]);
}

fn of_goran(told: &mut Rows) {
    told.fine_grained("goran", "Machine plans", life(10 * DAY, 350 * DAY, None));
    told.asks(
        10 * DAY,
        "Keeps the machines as the plans say.",
        These(&["infrastructure"]),
        &[WRITE_CODE, (Repository, "environments", Write), (Repository, "actions_variables", Read)],
    );
    told.fine_grained("goran", "Backup", life(12 * DAY, 300 * DAY, Some(12)));
    told.asks(12 * DAY, "A copy of everything, every night.", Everything, &[READ_CODE, READ_ISSUES]);
    told.fine_grained("goran", "Runners", life(20, 200 * DAY, None));
    told.asks(
        20,
        "Registers machines that build.",
        Nothing,
        &[(Organization, "organization_self_hosted_runners", Write)],
    );

    told.fine_grained("goran", "Inventory", life(210 * DAY, 150 * DAY, Some(190 * DAY)));
    told.asks(210 * DAY, "Lists what we run.", These(&["infrastructure"]), &[READ_CODE]);
    told.approved(209 * DAY);
    told.asks(9 * DAY, "Lists what we could run.", Everything, &[READ_CODE]);
    told.revoked(7 * DAY, "Not used for half a year.");
    told.fine_grained("goran", "Overview", life(100 * DAY, 200 * DAY, Some(1)));
    told.asks(100 * DAY, "The overview on my screen.", Everything, &[READ_CODE, READ_ISSUES, READ_CHANGES]);
    told.approved(98 * DAY);
    told.asks(50 * DAY, "Issues are enough.", These(&["payments-api", "infrastructure"]), &[READ_ISSUES]);
    told.granted(AutomaticReason::Narrowed);
    told.fine_grained("goran", "Move to new machines", life(120 * DAY, -15 * DAY, Some(16 * DAY)));
    told.asks(120 * DAY, "The move.", These(&["infrastructure"]), &[WRITE_CODE]);
    told.approved(119 * DAY);
    told.expired();
}

fn of_ivan(told: &mut Rows) {
    told.fine_grained("ivan", "Nightly app", life(40 * DAY, 140 * DAY, Some(8)));
    told.asks(
        40 * DAY,
        "Fetches what was built in the night.",
        These(&["mobile-app"]),
        &[(Repository, "actions", Read)],
    );
    told.approved(39 * DAY);
    told.asks(
        26,
        "Starts the build again where it failed.",
        These(&["mobile-app"]),
        &[(Repository, "actions", Write), READ_CODE],
    );
    told.fine_grained("ivan", "Translations", life(7 * DAY + 3, 90 * DAY, None));
    told.asks(7 * DAY + 3, "Brings in what is translated.", Everything, &[WRITE_CODE]);
    told.asks(
        7 * DAY,
        "Brings in what is translated; the app is enough.",
        These(&["mobile-app"]),
        &[WRITE_CODE, WRITE_CHANGES],
    );
    told.fine_grained("ivan", "Test phones", life(2 * DAY + 5, 16 * DAY, None));
    told.asks(2 * DAY + 5, "The phones in the test room.", These(&["mobile-app"]), &[READ_CODE]);
}

fn of_the_others(told: &mut Rows) {
    told.fine_grained("hana", "Handbook search", life(8 * DAY, 330 * DAY, Some(3)));
    told.asks(8 * DAY, "Makes the handbook searchable.", These(&["handbook"]), &[READ_CODE]);
    told.fine_grained("hana", "First days", life(2 * DAY + 9, 120 * DAY, None));
    told.asks(
        2 * DAY + 9,
        "A list of things to do for each new colleague.",
        These(&["handbook"]),
        &[WRITE_ISSUES, READ_MEMBERS],
    );
    told.fine_grained("judith", "Open issues", life(17 * DAY, 100 * DAY, None));
    told.asks(17 * DAY, "A weekly report.", Everything, &[WRITE_ISSUES]);
    told.denied(15 * DAY, "A report has nothing to write.");
    told.asks(13 * DAY, "A weekly report; reading is enough.", Everything, &[READ_ISSUES]);
    told.fine_grained("emil", "Seating plan", life(3 * DAY + 4, 60 * DAY, None));
    told.asks(3 * DAY + 4, "Who is here, for the plan of the desks.", Nothing, &[READ_MEMBERS]);
    told.fine_grained("chloe", "Accounts", life(14 * DAY, 365 * DAY - 14 * DAY, None));
    told.asks(14 * DAY, "Compares members and accounts.", Nothing, &[READ_MEMBERS]);
    told.fine_grained("farah", "Audit", life(20 * DAY, 160 * DAY, None));
    told.asks(20 * DAY, "Made before I became an owner.", Everything, &[READ_CODE]);

    told.fine_grained("farah", "Weekly look", life(15 * DAY, 75 * DAY, Some(5 * DAY)));
    told.asks(15 * DAY, "What happened this week.", Everything, &[READ_ISSUES, READ_CHANGES]);
    told.granted(AutomaticReason::Owner);
    told.fine_grained("hana", "Style checker", life(70 * DAY, 200 * DAY, None));
    told.asks(70 * DAY, "Reads the handbook for us.", These(&["handbook"]), &[READ_CODE]);
    told.approved(69 * DAY);
    told.fine_grained("judith", "Public pages", life(33 * DAY, 60 * DAY, Some(4)));
    told.asks(33 * DAY, "Watches what everybody can see.", Nothing, &[]);
    told.granted(AutomaticReason::PublicOnly);
    told.fine_grained("chloe", "First try", life(14 * DAY + 2, 90 * DAY, None));
    told.asks(14 * DAY + 2, "Compares members and accounts.", Everything, &[READ_MEMBERS, WRITE_CODE]);
    told.given_up(14 * DAY + 1);
}

/// Fabrikam's: few, and nothing of Contoso's.
#[must_use]
pub fn fabrikam(now: DateTime<Utc>) -> Rows {
    let mut told = Rows::new("fabrikam", "mila", now);
    told.fine_grained("nils", "Workshop robot", life(90 * DAY, 200 * DAY, Some(1)));
    told.asks(90 * DAY, "Fetches the plans.", These(&["workshop"]), &[READ_CODE]);
    told.approved(89 * DAY);
    told.fine_grained("qing", "Price list", life(4 * DAY, 60 * DAY, None));
    told.asks(4 * DAY, "Writes the prices.", These(&["catalogue"]), &[WRITE_CODE]);
    told.fine_grained("rosa", "Shop window", life(30 * DAY, 30 * DAY, None));
    told.asks(30 * DAY, "Shows what is made.", Everything, &[READ_CODE]);
    told.denied(29 * DAY, "Name the repositories, please.");
    told.fine_grained("samir", "Orders", life(11, 20 * DAY, None));
    told.asks(11, "Opens an issue for each order.", These(&["catalogue"]), &[WRITE_ISSUES]);
    told
}
