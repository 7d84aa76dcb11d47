//! The mail that carries a code to sign in with. It holds no text of whoever asked for it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Letter;
use super::letter::{LONGEST_LINE, one_line};
use super::template::environment;
use crate::secret::Secret;

/// What the mail tells, and whom.
pub struct Told<'a> {
    /// The id of the code.
    pub id: String,
    /// When it was asked for.
    pub at: DateTime<Utc>,
    /// The address.
    pub address: &'a str,
    /// The name of the organization.
    pub organization: &'a str,
    /// The code.
    pub code: &'a Secret,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct View<'a> {
    title: &'a str,
    organization: String,
    code: &'a str,
    expires_at: String,
}

/// The letter. A failure is a mistake in a template.
pub fn letter(told: &Told<'_>) -> Result<Letter, minijinja::Error> {
    let title = "Your code to sign in";
    let view = View {
        title,
        organization: one_line(told.organization, LONGEST_LINE),
        code: told.code.expose(),
        expires_at: told.expires_at.format("%-d %B %Y, %H:%M UTC").to_string(),
    };
    let view = minijinja::Value::from(minijinja::value::Serde(&view));
    let environment = environment()?;
    Ok(Letter {
        id: told.id.clone(),
        at: told.at,
        name: String::new(),
        address: told.address.to_owned(),
        // Not the code: subjects are shown on locked screens.
        subject: format!("[{}] {title}", told.organization),
        text: environment.get_template("sign_in_code.txt")?.render(view.clone())?,
        html: environment.get_template("sign_in_code.html")?.render(view)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mail_holds_the_code_and_escapes_the_organizations_name() {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let told = Told {
            id: "1".to_owned(),
            at,
            address: "paula@adatum.example",
            organization: "<b>Con\r\ntoso</b>",
            code: &Secret::new("01234567"),
            expires_at: at,
        };
        let letter = letter(&told).unwrap();
        assert!(
            letter.text.contains("\n01234567\n") && letter.text.contains("<b>Con toso</b>"),
            "{}",
            letter.text
        );
        assert!(letter.html.contains(">01234567<") && !letter.html.contains("<b>Con"), "{}", letter.html);
        assert!(!letter.subject.contains("01234567"));
        for text in [&letter.text, &letter.html] {
            assert!(text.contains("21 September 2026, 14:13 UTC"), "{text}");
        }
    }
}
