//! The answers that a request gives to its policy's questions.

use async_graphql::Object;
use entity::access_request;

use crate::domain::access_request::answers::Answer;
use crate::domain::assignment_policy::questions::{AnswerKind, Question};
use crate::graphql::assignment_policy::question::PolicyQuestion;
use crate::graphql::error::ApiError;
use crate::store::StoreError;

/// The answer to one question of the policy.
pub struct QuestionAnswer {
    question: Question,
    values: Vec<String>,
}

/// The answer to one question of the policy.
#[Object]
impl QuestionAnswer {
    /// The question as it was when the request was made.
    async fn question(&self) -> PolicyQuestion {
        PolicyQuestion(self.question.clone())
    }

    /// The text, or the values of what was chosen.
    async fn values(&self) -> &[String] {
        &self.values
    }

    /// The same for people: the text, or the names of what was chosen.
    async fn display_values(
        &self,
        #[graphql(
            desc = "The language wanted, as a tag of BCP 47 such as `fr-CH`; the text by default where it is not there."
        )]
        language: Option<String>,
    ) -> Vec<&str> {
        let AnswerKind::Choice { choices, .. } = &self.question.answer else {
            return self.values.iter().map(String::as_str).collect();
        };
        let name = |value: &String| {
            let choice = choices.iter().find(|choice| choice.value == *value)?;
            Some(choice.text.in_language(language.as_deref()))
        };
        self.values.iter().filter_map(name).collect()
    }
}

/// The answers of a request, with the questions that it pinned.
pub fn of(request: &access_request::Model) -> Result<Vec<QuestionAnswer>, ApiError> {
    let broken = |error: serde_json::Error| StoreError::Other(format!("the answers of a request: {error}"));
    let Some(answers) = request.answers.clone() else { return Ok(Vec::new()) };
    let answers: Vec<Answer> = serde_json::from_value(answers).map_err(broken)?;
    let pinned = request.policy_snapshot.as_ref().and_then(|policy| policy.get("questions"));
    let questions: Vec<Question> =
        serde_json::from_value(pinned.cloned().unwrap_or_default()).map_err(broken)?;
    let answered = questions.into_iter().filter_map(|question| {
        let answer = answers.iter().find(|answer| answer.question == question.key)?;
        Some(QuestionAnswer { values: answer.values.clone(), question })
    });
    Ok(answered.collect())
}
