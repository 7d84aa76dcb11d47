//! What a request under a policy has to answer: the questions, and what is accepted as one.

use std::collections::BTreeSet;

use entity::assignment_policy;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::domain::error::{Code, Rejection};
use crate::domain::input::{self, Checks};
use crate::store::StoreError;

/// The most questions of a policy.
const MOST_QUESTIONS: usize = 20;
/// The longest key of a question.
const LONGEST_KEY: usize = 40;
/// The longest question, and the longest name of a choice.
const LONGEST_TEXT: usize = 500;
/// The longest pattern.
const LONGEST_PATTERN: usize = 500;
/// The most choices of a question.
const MOST_CHOICES: usize = 100;
/// The longest value of a choice.
const LONGEST_VALUE: usize = 100;
/// The most translations of a text.
const MOST_TRANSLATIONS: usize = 30;
/// The most that a compiled pattern may take, in bytes.
const LARGEST_PATTERN: usize = 256 * 1024;

/// A question, as the policy keeps it and as requests pin it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// Its name for programs, unique in the policy.
    pub key: String,
    /// The question.
    pub text: Text,
    /// Whether it must be answered.
    pub required: bool,
    /// What is accepted as an answer.
    pub answer: AnswerKind,
}

/// A text in several languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// The text where no translation fits.
    pub default: String,
    /// The translations.
    #[serde(default)]
    pub translations: Vec<Translation>,
}

/// A text in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Translation {
    /// The language, as a tag of BCP 47.
    pub language: String,
    /// The text.
    pub text: String,
}

/// What is accepted as an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AnswerKind {
    /// A text.
    Text {
        /// What it must match as a whole; none: any.
        pattern: Option<String>,
    },
    /// One of these, or several.
    Choice {
        /// The choices, in order.
        choices: Vec<Choice>,
        /// Whether several can be chosen.
        several: bool,
    },
    /// It was said only what it is not.
    Unsaid,
}

/// A choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Its name for programs, unique in the question.
    pub value: String,
    /// Its name for people.
    pub text: Text,
}

impl Text {
    /// The text in a language: of the same tag, else of the same language, else as it is by default.
    #[must_use]
    pub fn in_language(&self, language: Option<&str>) -> &str {
        let Some(wanted) = language else { return &self.default };
        let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let exact = self.translations.iter().find(|known| known.language.eq_ignore_ascii_case(wanted));
        let near = || self.translations.iter().find(|known| primary(&known.language) == primary(wanted));
        exact.or_else(near).map_or(&self.default, |known| &known.text)
    }

    fn check(&self, field: &str, checks: &mut Checks) {
        check_line(&format!("{field}.default"), &self.default, LONGEST_TEXT, checks);
        checks.refuse_if(self.translations.len() > MOST_TRANSLATIONS, || {
            wrong(&format!("{field}.translations"), "A text can have at most 30 translations.")
        });
        let mut known = BTreeSet::new();
        for (place, translation) in self.translations.iter().take(MOST_TRANSLATIONS).enumerate() {
            let path = format!("{field}.translations.{place}");
            check_line(&format!("{path}.text"), &translation.text, LONGEST_TEXT, checks);
            let fits =
                is_language(&translation.language) && known.insert(translation.language.to_ascii_lowercase());
            checks.refuse_if(!fits, || {
                let message = "`language` must be a language tag such as `fr` or `fr-CH`, each once.";
                wrong(&format!("{path}.language"), message)
            });
        }
    }
}

/// The questions as a policy keeps them.
#[must_use]
pub fn kept(questions: &[Question]) -> Option<serde_json::Value> {
    (!questions.is_empty()).then(|| serde_json::json!(questions))
}

/// The questions of a policy.
pub fn of(policy: &assignment_policy::Model) -> Result<Vec<Question>, StoreError> {
    let Some(kept) = &policy.questions else { return Ok(Vec::new()) };
    Vec::<Question>::deserialize(kept)
        .map_err(|error| StoreError::Other(format!("the questions of a policy: {error}")))
}

/// Checks the questions of a policy.
pub fn check(questions: &[Question], checks: &mut Checks) {
    checks.refuse_if(questions.len() > MOST_QUESTIONS, || {
        wrong("questions", "A policy can have at most 20 questions.")
    });
    let mut keys = BTreeSet::new();
    for (place, question) in questions.iter().take(MOST_QUESTIONS).enumerate() {
        let path = format!("questions.{place}");
        checks.refuse_if(!is_key(&question.key) || !keys.insert(&question.key), || {
            let message = "`key` must have 1 to 40 letters (a to z), digits, `_` or `-`, and be used once.";
            wrong(&format!("{path}.key"), message)
        });
        question.text.check(&format!("{path}.text"), checks);
        match &question.answer {
            AnswerKind::Text { pattern } => {
                let fits = pattern.as_ref().is_none_or(|pattern| compiled(pattern).is_some());
                checks.refuse_if(!fits, || {
                    let message = "`pattern` must be a regular expression of at most 500 characters, \
                                   without look-around and back-references.";
                    wrong(&format!("{path}.answer.text.pattern"), message)
                });
            }
            AnswerKind::Choice { choices, .. } => {
                check_choices(&format!("{path}.answer.choice.choices"), choices, checks);
            }
            AnswerKind::Unsaid => checks.refuse_if(true, || {
                wrong(&format!("{path}.answer"), "Say what is accepted: `text` or `choice`.")
            }),
        }
    }
}

fn check_choices(path: &str, choices: &[Choice], checks: &mut Checks) {
    checks.refuse_if(choices.is_empty() || choices.len() > MOST_CHOICES, || {
        wrong(path, "A question must have 1 to 100 choices.")
    });
    let mut values = BTreeSet::new();
    for (place, choice) in choices.iter().take(MOST_CHOICES).enumerate() {
        let path = format!("{path}.{place}");
        check_line(&format!("{path}.value"), &choice.value, LONGEST_VALUE, checks);
        checks.refuse_if(!values.insert(&choice.value), || {
            wrong(&format!("{path}.value"), "Each `value` can be used once in a question.")
        });
        choice.text.check(&format!("{path}.text"), checks);
    }
}

/// A pattern that answers must match as a whole; none where it is none.
///
/// The library answers in linear time, whatever the pattern: no answer can hold the server.
#[must_use]
pub fn compiled(pattern: &str) -> Option<Regex> {
    let build = |text: &str| RegexBuilder::new(text).size_limit(LARGEST_PATTERN).build().ok();
    if pattern.chars().count() > LONGEST_PATTERN || pattern.contains('\0') {
        return None;
    }
    // By itself first: what only closes our own bracket is no pattern.
    build(pattern)?;
    build(&format!(r"\A(?:{pattern})\z"))
}

fn check_line(field: &str, text: &str, longest: usize, checks: &mut Checks) {
    let length = text.chars().count();
    let fits = (1..=longest).contains(&length) && text.trim() == text && !text.chars().any(input::is_hidden);
    checks.refuse_if(!fits, || {
        let name = field.rsplit('.').next().unwrap_or(field);
        let message = format!(
            "`{name}` must have 1 to {longest} characters, without spaces around or control characters."
        );
        wrong(field, &message)
    });
}

fn is_key(key: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(fits)
}

/// Whether it has the form of a language tag (BCP 47).
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag.len() <= 35
        && (2..=8).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(is_part)
}

fn wrong(field: &str, message: &str) -> Rejection {
    Rejection::of(field, Code::InvalidInput, message)
}
