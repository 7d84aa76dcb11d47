//! What a request under a policy has to answer.

use async_graphql::{InputObject, Object, OneofObject, SimpleObject, Union};

use crate::domain::assignment_policy::questions::{self as domain, AnswerKind, Text};

/// A question that a request under the policy answers.
#[derive(Clone)]
pub struct PolicyQuestion(pub domain::Question);

/// A question that a request under the policy answers.
#[Object]
impl PolicyQuestion {
    /// Its name for programs, unique in the policy: answers name it.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// The question.
    async fn text(
        &self,
        #[graphql(
            desc = "The language wanted, as a tag of BCP 47 such as `fr-CH`; the text by default where it is not there."
        )]
        language: Option<String>,
    ) -> &str {
        self.0.text.in_language(language.as_deref())
    }

    /// All translations of the question.
    async fn translations(&self) -> Vec<Translation> {
        translations(&self.0.text)
    }

    /// Whether it must be answered (`QUESTION_UNANSWERED`).
    async fn required(&self) -> bool {
        self.0.required
    }

    /// What is accepted as an answer.
    async fn answer(&self) -> AcceptedAnswer {
        match &self.0.answer {
            AnswerKind::Choice { choices, several } => AcceptedAnswer::Choice(AcceptedChoice {
                choices: choices.iter().cloned().map(QuestionChoice).collect(),
                several: *several,
            }),
            AnswerKind::Text { pattern } => AcceptedAnswer::Text(AcceptedText { pattern: pattern.clone() }),
            AnswerKind::Unsaid => AcceptedAnswer::Text(AcceptedText { pattern: None }),
        }
    }
}

/// What is accepted as an answer.
#[derive(Union)]
pub enum AcceptedAnswer {
    /// A text.
    Text(AcceptedText),
    /// One of some choices, or several.
    Choice(AcceptedChoice),
}

/// A text is accepted, of at most 2,000 characters.
#[derive(SimpleObject)]
pub struct AcceptedText {
    /// A regular expression that the whole text must match; null: any text.
    pattern: Option<String>,
}

/// One of these choices is accepted, or several.
#[derive(SimpleObject)]
pub struct AcceptedChoice {
    /// The choices, in order.
    choices: Vec<QuestionChoice>,
    /// Whether several can be chosen.
    several: bool,
}

/// A choice.
pub struct QuestionChoice(domain::Choice);

/// A choice.
#[Object]
impl QuestionChoice {
    /// Its name for programs, unique in the question: answers hold it.
    async fn value(&self) -> &str {
        &self.0.value
    }

    /// Its name for people.
    async fn text(
        &self,
        #[graphql(
            desc = "The language wanted, as a tag of BCP 47 such as `fr-CH`; the text by default where it is not there."
        )]
        language: Option<String>,
    ) -> &str {
        self.0.text.in_language(language.as_deref())
    }

    /// All translations of the name.
    async fn translations(&self) -> Vec<Translation> {
        translations(&self.0.text)
    }
}

/// A text in one language.
#[derive(SimpleObject)]
pub struct Translation {
    /// The language, as a tag of BCP 47.
    language: String,
    /// The text.
    text: String,
}

fn translations(text: &Text) -> Vec<Translation> {
    let translation = |known: &domain::Translation| Translation {
        language: known.language.clone(),
        text: known.text.clone(),
    };
    text.translations.iter().map(translation).collect()
}

/// The answer to one question of a policy.
#[derive(Clone, Debug, InputObject)]
pub struct QuestionAnswerInput {
    /// The key of the question.
    question: String,
    /// One text of at most 2,000 characters, or the values of what is chosen.
    values: Vec<String>,
}

impl From<QuestionAnswerInput> for crate::domain::access_request::answers::Answer {
    fn from(input: QuestionAnswerInput) -> Self {
        Self { question: input.question, values: input.values }
    }
}

/// A question that requests under the policy answer.
#[derive(Clone, Debug, InputObject)]
pub struct PolicyQuestionInput {
    /// Its name for programs: 1 to 40 letters (a to z), digits, `_` or `-`, unique in the policy.
    key: String,
    /// The question.
    text: LocalizedTextInput,
    /// Whether it must be answered.
    #[graphql(default = false)]
    required: bool,
    /// What is accepted as an answer.
    answer: AcceptedAnswerInput,
}

/// A text, with its translations.
#[derive(Clone, Debug, InputObject)]
pub struct LocalizedTextInput {
    /// The text where no translation fits, 1 to 500 characters.
    default: String,
    /// Its translations, at most 30.
    #[graphql(default)]
    translations: Vec<TranslationInput>,
}

/// A text in one language.
#[derive(Clone, Debug, InputObject)]
pub struct TranslationInput {
    /// The language, as a tag of BCP 47 such as `fr` or `fr-CH`.
    language: String,
    /// The text, 1 to 500 characters.
    text: String,
}

/// What is accepted as an answer: exactly one of these.
#[derive(Clone, Debug, OneofObject)]
pub enum AcceptedAnswerInput {
    /// A text of at most 2,000 characters.
    Text(AcceptedTextInput),
    /// One of some choices, or several.
    Choice(AcceptedChoiceInput),
}

/// Which text is accepted.
#[derive(Clone, Debug, InputObject)]
pub struct AcceptedTextInput {
    /// A regular expression that the whole text must match, at most 500 characters, without look-around and
    /// back-references; any text where left out.
    pattern: Option<String>,
}

/// Which choices are accepted.
#[derive(Clone, Debug, InputObject)]
pub struct AcceptedChoiceInput {
    /// The choices, 1 to 100, in order.
    choices: Vec<QuestionChoiceInput>,
    /// Whether several can be chosen.
    #[graphql(default = false)]
    several: bool,
}

/// A choice.
#[derive(Clone, Debug, InputObject)]
pub struct QuestionChoiceInput {
    /// Its name for programs, 1 to 100 characters, unique in the question.
    value: String,
    /// Its name for people.
    text: LocalizedTextInput,
}

impl From<LocalizedTextInput> for Text {
    fn from(input: LocalizedTextInput) -> Self {
        let translation =
            |known: TranslationInput| domain::Translation { language: known.language, text: known.text };
        Self {
            default: input.default,
            translations: input.translations.into_iter().map(translation).collect(),
        }
    }
}

impl From<PolicyQuestionInput> for domain::Question {
    fn from(input: PolicyQuestionInput) -> Self {
        let choice =
            |known: QuestionChoiceInput| domain::Choice { value: known.value, text: known.text.into() };
        Self {
            key: input.key,
            text: input.text.into(),
            required: input.required,
            answer: match input.answer {
                AcceptedAnswerInput::Text(text) => AnswerKind::Text { pattern: text.pattern },
                AcceptedAnswerInput::Choice(given) => AnswerKind::Choice {
                    choices: given.choices.into_iter().map(choice).collect(),
                    several: given.several,
                },
            },
        }
    }
}
