//! What the demo tells of partners: Fabrikam's people may ask for what is made for Contoso's next product launch.
//!
//! Bruno stands for Fabrikam at Contoso and decides first, then Emil, whose catalog it is.

use chrono::{DateTime, Utc};
use entity::assignment_policy::RequestorScope;
use entity::catalog_role_assignment::CatalogRole;
use entity::resource::ResourceKind::Group;

use super::story::{Approver, Story, id};
use crate::domain::assignment_policy::questions::{AnswerKind, Choice, Question, Text, Translation};
use crate::domain::link::Frontend;

/// The package that is handed to partners.
const PACKAGE: &str = "Product launch";

/// The link by which Fabrikam's people come to the package, on a server with this public address.
#[must_use]
pub fn share_link(public_url: &str) -> String {
    Frontend::new(public_url, "contoso.example").access_package(id("contoso", "package", PACKAGE))
}

/// Contoso's catalog for partners.
#[must_use]
pub fn contoso(now: DateTime<Utc>) -> Story {
    let (catalog, directory) = ("Partners", "Company directory");
    let mut story = Story::more("contoso", now);
    story.group(directory, "launch-workspace", "Launch workspace");
    story.catalog(catalog, "What we work on with others.", directory, true);
    story.holds("emil", CatalogRole::CatalogOwner, catalog);
    story.resource(catalog, directory, Group, "launch-workspace", "Launch workspace");
    story.package(
        catalog,
        PACKAGE,
        "The plans, texts and pictures of the next product launch.",
        &["launch-workspace"],
    );
    story.policy(PACKAGE, "People of Fabrikam", RequestorScope::SpecificConnectedOrganizations, Some(90));
    story.for_people_of(&["fabrikam"]);
    story.asks(&[
        Question {
            key: "contract".to_owned(),
            text: text("The number of your contract, such as C-2041", "Nummer Ihres Vertrags, etwa C-2041"),
            required: true,
            answer: AnswerKind::Text { pattern: Some("C-[0-9]{4}".to_owned()) },
        },
        Question {
            key: "market".to_owned(),
            text: text("For which market do you work?", "Für welchen Markt arbeiten Sie?"),
            required: true,
            answer: AnswerKind::Choice {
                choices: vec![
                    choice("europe", "Europe", "Europa"),
                    choice("america", "The Americas", "Amerika"),
                    choice("asia", "Asia", "Asien"),
                ],
                several: false,
            },
        },
    ]);
    story.approved_by(Approver::Sponsor, true);
    story.approved_by(Approver::User("emil"), true);
    story.can_be_extended();
    story
}

fn choice(value: &str, english: &str, german: &str) -> Choice {
    Choice { value: value.to_owned(), text: text(english, german) }
}

fn text(english: &str, german: &str) -> Text {
    let german = Translation { language: "de".to_owned(), text: german.to_owned() };
    Text { default: english.to_owned(), translations: vec![german] }
}
