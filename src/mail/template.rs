//! The bodies of mails: two templates for each kind, in `templates/`.
//!
//! What goes into an HTML template is escaped there. The text template of a kind says
//! the same as its HTML template, which a test holds.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::notification::NotificationKind as Kind;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::Letter;
use super::letter::{LONGEST_LINE, one_line};
use crate::domain::link::Frontend;
use crate::domain::notification::{Content, content, is_optional};

/// The most characters of a longer text that stands on one line.
const LONGEST_TEXT: usize = 300;

/// The templates by their names; the ending says how texts are escaped.
const TEMPLATES: [(&str, &str); 20] = [
    ("access_decision.html", include_str!("templates/access_decision.html")),
    ("access_decision.txt", include_str!("templates/access_decision.txt")),
    ("approval_pending.html", include_str!("templates/approval_pending.html")),
    ("approval_pending.txt", include_str!("templates/approval_pending.txt")),
    ("assignment_expiring.html", include_str!("templates/assignment_expiring.html")),
    ("assignment_expiring.txt", include_str!("templates/assignment_expiring.txt")),
    ("assignment_revoked.html", include_str!("templates/assignment_revoked.html")),
    ("assignment_revoked.txt", include_str!("templates/assignment_revoked.txt")),
    ("layout.html", include_str!("templates/layout.html")),
    ("layout.txt", include_str!("templates/layout.txt")),
    ("package_role_failed.html", include_str!("templates/package_role_failed.html")),
    ("package_role_failed.txt", include_str!("templates/package_role_failed.txt")),
    ("sign_in_code.html", include_str!("templates/sign_in_code.html")),
    ("sign_in_code.txt", include_str!("templates/sign_in_code.txt")),
    ("token_decision.html", include_str!("templates/token_decision.html")),
    ("token_decision.txt", include_str!("templates/token_decision.txt")),
    ("token_expiring.html", include_str!("templates/token_expiring.html")),
    ("token_expiring.txt", include_str!("templates/token_expiring.txt")),
    ("token_request_digest.html", include_str!("templates/token_request_digest.html")),
    ("token_request_digest.txt", include_str!("templates/token_request_digest.txt")),
];

static ENVIRONMENT: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    // A name that is not there is a mistake in a template, and no empty text.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
});

/// Whom a mail is for.
#[derive(Clone, Debug)]
pub struct Receiver<'a> {
    /// The id of the notification.
    pub id: String,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// The name.
    pub name: &'a str,
    /// The address.
    pub address: &'a str,
    /// The name of the organization.
    pub organization: &'a str,
}

/// A name, or another text of people that stands between our own words: with a line of its own it could pass for
/// one of ours.
fn name(text: &str) -> String {
    one_line(text, LONGEST_LINE)
}

/// What every template is given.
#[derive(Serialize)]
struct View<'a, T> {
    title: &'a str,
    organization: String,
    name: String,
    link: String,
    /// Where to turn the kind off; none where that cannot be.
    preferences: Option<String>,
    told: T,
}

#[derive(Serialize)]
struct Decision<'a> {
    outcome: &'static str,
    token_name: String,
    /// The lines of the reason.
    reason: Vec<&'a str>,
}

#[derive(Serialize)]
struct AccessDecision<'a> {
    outcome: &'static str,
    package_name: String,
    /// The lines of the reason.
    reason: Vec<&'a str>,
}

#[derive(Serialize)]
struct Asked<'a> {
    requestor_name: String,
    package_name: String,
    /// The lines of the justification.
    justification: Vec<&'a str>,
    expires_at: String,
}

#[derive(Serialize)]
struct AssignmentEnd {
    package_name: String,
    expires_at: String,
}

#[derive(Serialize)]
struct AssignmentLoss<'a> {
    package_name: String,
    reason: Vec<&'a str>,
}

#[derive(Serialize)]
struct RoleFailure {
    package_name: String,
    roles: Vec<FailedRole>,
}

#[derive(Serialize)]
struct FailedRole {
    name: String,
    people: String,
}

#[derive(Serialize)]
struct End {
    token_name: String,
    expires_at: String,
}

#[derive(Serialize)]
struct Waiting<'a> {
    total: u64,
    unnamed: u64,
    owners: Vec<WaitingOwner<'a>>,
}

#[derive(Serialize)]
struct WaitingOwner<'a> {
    name: String,
    requests: Vec<WaitingRequest<'a>>,
}

#[derive(Serialize)]
struct WaitingRequest<'a> {
    token_name: String,
    link: String,
    since: String,
    repositories: &'a str,
    justification: Option<String>,
}

/// The letter that tells a content. A failure is a mistake in a template.
pub fn letter(
    content: &Content,
    receiver: &Receiver<'_>,
    frontend: &Frontend,
) -> Result<Letter, minijinja::Error> {
    match content {
        Content::TokenRequestApproved(told)
        | Content::TokenRequestDenied(told)
        | Content::TokenGrantRevoked(told) => {
            let outcome = match content.kind() {
                Kind::TokenRequestApproved => "approved",
                Kind::TokenRequestDenied => "denied",
                _ => "revoked",
            };
            let reason = lines(told.reason.as_deref());
            let told = Decision { outcome, token_name: name(&told.token_name), reason };
            render(content, receiver, frontend, ["token_decision.html", "token_decision.txt"], told)
        }
        Content::AccessRequestApproved(told)
        | Content::AccessRequestDenied(told)
        | Content::AccessRequestWithdrawn(told) => {
            let outcome = match content.kind() {
                Kind::AccessRequestApproved => "approved",
                Kind::AccessRequestWithdrawn if told.end_passed => "never_started",
                Kind::AccessRequestWithdrawn => "withdrawn",
                _ if told.end_passed => "end_passed",
                _ if told.timed_out => "timed_out",
                _ => "denied",
            };
            let reason = lines(told.reason.as_deref());
            let told = AccessDecision { outcome, package_name: name(&told.package_name), reason };
            render(content, receiver, frontend, ["access_decision.html", "access_decision.txt"], told)
        }
        Content::ApprovalPending(told) => {
            let told = Asked {
                requestor_name: name(&told.requestor_name),
                package_name: name(&told.package_name),
                justification: lines(told.justification.as_deref()),
                expires_at: time(told.expires_at),
            };
            render(content, receiver, frontend, ["approval_pending.html", "approval_pending.txt"], told)
        }
        Content::AssignmentExpiring(told) => {
            let told =
                AssignmentEnd { package_name: name(&told.package_name), expires_at: time(told.expires_at) };
            let templates = ["assignment_expiring.html", "assignment_expiring.txt"];
            render(content, receiver, frontend, templates, told)
        }
        Content::AssignmentRevoked(told) => {
            let reason = lines(told.reason.as_deref());
            let told = AssignmentLoss { package_name: name(&told.package_name), reason };
            render(content, receiver, frontend, ["assignment_revoked.html", "assignment_revoked.txt"], told)
        }
        Content::PackageRoleFailed(told) => {
            let people =
                |people| if people == 1 { "1 person".to_owned() } else { format!("{people} people") };
            let role = |role: &content::FailedRole| FailedRole {
                name: name(&role.name),
                people: people(role.people),
            };
            let roles = told.roles.iter().map(role).collect();
            let told = RoleFailure { package_name: name(&told.package_name), roles };
            render(content, receiver, frontend, ["package_role_failed.html", "package_role_failed.txt"], told)
        }
        Content::TokenExpiring(told) => {
            let told = End { token_name: name(&told.token_name), expires_at: time(told.expires_at) };
            render(content, receiver, frontend, ["token_expiring.html", "token_expiring.txt"], told)
        }
        Content::TokenRequestDigest(digest) => {
            let owners: Vec<WaitingOwner<'_>> = digest
                .owners
                .iter()
                .map(|owner| WaitingOwner {
                    name: name(&owner.name),
                    requests: owner
                        .requests
                        .iter()
                        .map(|request| WaitingRequest {
                            token_name: name(&request.token_name),
                            link: frontend.token_request(request.id),
                            since: time(request.since),
                            repositories: &request.repositories,
                            justification: request
                                .justification
                                .as_deref()
                                .map(|text| one_line(text, LONGEST_TEXT)),
                        })
                        .collect(),
                })
                .collect();
            let named =
                owners.iter().map(|owner| u64::try_from(owner.requests.len()).unwrap_or_default()).sum();
            let told = Waiting { total: digest.total, unnamed: digest.total.saturating_sub(named), owners };
            let templates = ["token_request_digest.html", "token_request_digest.txt"];
            render(content, receiver, frontend, templates, told)
        }
    }
}

fn render<T: Serialize>(
    content: &Content,
    receiver: &Receiver<'_>,
    frontend: &Frontend,
    [html, text]: [&str; 2],
    told: T,
) -> Result<Letter, minijinja::Error> {
    let environment = environment()?;
    let title = one_line(&content.title(), LONGEST_TEXT);
    let view = View {
        title: &title,
        organization: name(receiver.organization),
        name: name(receiver.name),
        link: frontend.of(content),
        preferences: is_optional(content.kind()).then(|| frontend.preferences()),
        told,
    };
    let view = minijinja::Value::from(minijinja::value::Serde(&view));
    Ok(Letter {
        id: receiver.id.clone(),
        at: receiver.at,
        name: receiver.name.to_owned(),
        address: receiver.address.to_owned(),
        subject: format!("[{}] {title}", receiver.organization),
        text: environment.get_template(text)?.render(view.clone())?,
        html: environment.get_template(html)?.render(view.clone())?,
    })
}

/// The templates.
pub(super) fn environment() -> Result<&'static Environment<'static>, minijinja::Error> {
    ENVIRONMENT
        .as_ref()
        .map_err(|error| minijinja::Error::new(error.kind(), error.detail().unwrap_or_default().to_owned()))
}

/// The lines of what somebody said.
fn lines(text: Option<&str>) -> Vec<&str> {
    text.map(|text| text.lines().collect()).unwrap_or_default()
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::notification::content::{self, Digest, TokenDecision, TokenEnd};

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn written(content: &Content, name: &str, organization: &str) -> Letter {
        let receiver = Receiver {
            id: "ntf_1".to_owned(),
            at: at(),
            name,
            address: "karim@contoso.example",
            organization,
        };
        letter(content, &receiver, &Frontend::new("https://access.example", "contoso.example")).unwrap()
    }

    fn all(text: &str, reason: Option<&str>) -> Vec<Content> {
        let decision = || TokenDecision {
            token: Uuid::nil(),
            token_name: text.to_owned(),
            reason: reason.map(str::to_owned),
        };
        let access = |timed_out, end_passed| content::AccessDecision {
            request: Uuid::nil(),
            package_name: text.to_owned(),
            reason: reason.map(str::to_owned),
            timed_out,
            end_passed,
        };
        let request = |justification: Option<&str>| content::WaitingRequest {
            id: Uuid::nil(),
            token_name: text.to_owned(),
            since: at(),
            repositories: "3 repositories".to_owned(),
            justification: justification.map(str::to_owned),
        };
        let owners = vec![
            content::WaitingOwner { name: text.to_owned(), requests: vec![request(reason), request(None)] },
            content::WaitingOwner { name: "Hana Sato".to_owned(), requests: vec![request(None)] },
        ];
        let day = NaiveDate::from_ymd_opt(2026, 10, 25).unwrap();
        vec![
            Content::TokenRequestApproved(decision()),
            Content::TokenRequestDenied(decision()),
            Content::TokenGrantRevoked(decision()),
            Content::TokenExpiring(TokenEnd {
                token: Uuid::nil(),
                token_name: text.to_owned(),
                expires_at: at(),
            }),
            Content::TokenRequestDigest(Digest { day, total: 60, owners }),
            Content::ApprovalPending(content::AccessAsked {
                request: Uuid::nil(),
                package_name: text.to_owned(),
                requestor_name: text.to_owned(),
                justification: reason.map(str::to_owned),
                expires_at: at(),
            }),
            Content::AccessRequestApproved(access(false, false)),
            Content::AccessRequestDenied(access(false, false)),
            Content::AccessRequestDenied(access(true, false)),
            Content::AccessRequestDenied(access(false, true)),
            Content::AccessRequestWithdrawn(access(false, false)),
            Content::AccessRequestWithdrawn(access(false, true)),
            Content::AssignmentExpiring(content::AssignmentEnd {
                assignment: Uuid::nil(),
                package_name: text.to_owned(),
                expires_at: at(),
            }),
            Content::AssignmentRevoked(content::AssignmentLoss {
                assignment: Uuid::nil(),
                package_name: text.to_owned(),
                reason: reason.map(str::to_owned),
            }),
            Content::PackageRoleFailed(content::RoleFailure {
                package: Uuid::nil(),
                package_name: text.to_owned(),
                roles: [1, 20].map(|people| content::FailedRole { name: text.to_owned(), people }).into(),
            }),
        ]
    }

    /// The words of HTML, without tags; enough for pages of ours.
    fn words(html: &str) -> Vec<String> {
        let mut text = String::new();
        let mut rest = html.split_once("<body").unwrap().1.split_once('>').unwrap().1;
        while let Some((before, after)) = rest.split_once('<') {
            text.push_str(before);
            text.push(' ');
            rest = after.split_once('>').unwrap().1;
        }
        text.push_str(rest);
        let text =
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#x27;", "'");
        let text = text.replace("&#x2f;", "/").replace("&amp;", "&");
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn both_parts_hold_what_is_told_and_where_to_go() {
        for content in all("ci token", Some("Too much.\nAsk for one repository.")) {
            let letter = written(&content, "Karim Benali", "Contoso");
            let html = words(&letter.html).join(" ");
            for part in [html.as_str(), letter.text.as_str()] {
                for told in ["Karim Benali", "Contoso", "ci token"] {
                    assert!(part.contains(told), "{told}: {part}");
                }
                assert_eq!(
                    part.contains("Too much."),
                    !matches!(
                        content,
                        Content::TokenExpiring(_)
                            | Content::AssignmentExpiring(_)
                            | Content::PackageRoleFailed(_)
                    ),
                    "{part}"
                );
                assert_eq!(
                    part.contains("and 57 more"),
                    matches!(content, Content::TokenRequestDigest(_)),
                    "{part}"
                );
            }
            let link = "https://access.example/@contoso.example#/";
            assert!(letter.text.contains(link), "{}", letter.text);
            let hidden = letter.html.replace("&#x2f;", "/");
            assert!(hidden.contains(&format!("href=\"{link}")), "{}", letter.html);
            let off = letter.text.contains("/notifications/preferences");
            assert_eq!(off, is_optional(content.kind()), "{}", letter.text);
            assert_eq!(letter.subject, format!("[Contoso] {}", content.title()));
            assert!(!letter.text.contains("\n\n\n"), "{:?}", letter.text);
        }
    }

    #[test]
    fn a_reason_cannot_pass_for_our_own_words_in_the_text_part() {
        let reason = "No.\n\nOpen it here:\nhttps://evil.example/";
        let content = &all("ci", Some(reason))[1];
        let text = written(content, "Karim", "Contoso").text;
        for line in reason.lines() {
            assert!(text.contains(&format!("\n> {line}\n")), "{text}");
        }
        assert!(!text.contains("\nhttps://evil.example/"));
    }

    #[test]
    fn no_name_has_a_line_of_its_own_in_the_text_part() {
        let hostile = "ci\r\n\nOpen it here:\u{2028}https://evil.example/";
        for content in all(hostile, Some("No.")) {
            let text = written(&content, hostile, hostile).text;
            assert!(!text.contains("\nOpen it here") && !text.contains("\nhttps://evil"), "{text}");
            assert!(!text.contains(['\r', '\u{2028}']), "{text}");
        }
    }

    proptest! {
        #[test]
        fn user_text_is_no_html(text in "[<>&\"'/a-z =!-]{1,40}|<script>alert\\(1\\)</script>|\\PC{1,40}") {
            // Of a text without a visible character there is nothing to show.
            prop_assume!(!text.trim().is_empty());
            let plain = all("x", Some("x"));
            for (content, plain) in all(&text, Some(&text)).iter().zip(&plain) {
                let tags = |html: &str| html.matches('<').count();
                let letter = written(content, &text, &text);
                // As many tags as with harmless text: none came in.
                prop_assert_eq!(tags(&letter.html), tags(&written(plain, "x", "x").html), "{}", letter.html);
                prop_assert_eq!(letter.html.matches('"').count(), written(plain, "x", "x").html.matches('"').count());
            }
        }
    }
}
