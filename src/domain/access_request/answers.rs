//! The answers to a policy's questions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::assignment_policy::questions::{AnswerKind, Question, compiled};
use crate::domain::error::{Code, Rejection};
use crate::domain::input;

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The key of the question.
    pub question: String,
    /// The text, or what was chosen.
    pub values: Vec<String>,
}

/// What is wrong with answers, or the answers as they are kept: in the order of the questions.
pub fn check(questions: &[Question], given: &[Answer]) -> Result<Vec<Answer>, Vec<Rejection>> {
    let mut wrong = Vec::new();
    let mut answers = BTreeMap::new();
    let mut refused = BTreeSet::new();
    for (place, answer) in given.iter().enumerate() {
        let field = format!("answers.{place}");
        let invalid = |message: &str| Rejection::of(&field, Code::InvalidAnswer, message);
        let Some(question) = questions.iter().find(|question| question.key == answer.question) else {
            wrong.push(invalid("The policy has no such question."));
            continue;
        };
        match accepted(question, &answer.values) {
            Ok(_) if answers.contains_key(question.key.as_str()) => {
                wrong.push(invalid("The question is answered twice."));
            }
            Ok(values) => drop(answers.insert(question.key.as_str(), values)),
            Err(message) => {
                refused.insert(question.key.as_str());
                wrong.push(invalid(&message));
            }
        }
    }
    let mut kept = Vec::new();
    for question in questions {
        let values = answers.remove(question.key.as_str()).unwrap_or_default();
        if !values.is_empty() {
            kept.push(Answer { question: question.key.clone(), values });
        } else if question.required && !refused.contains(question.key.as_str()) {
            let message = format!("The question `{}` must be answered.", question.key);
            // A form that sends empty answers, too, is told which of them is missing.
            let place = given.iter().position(|answer| answer.question == question.key);
            let field = place.map_or("answers".to_owned(), |place| format!("answers.{place}"));
            wrong.push(Rejection::of(&field, Code::QuestionUnanswered, message));
        }
    }
    if wrong.is_empty() { Ok(kept) } else { Err(wrong) }
}

/// The values of an answer as they are kept; none for no answer.
fn accepted(question: &Question, values: &[String]) -> Result<Vec<String>, String> {
    match &question.answer {
        AnswerKind::Text { pattern } => {
            let [value] = values else {
                return if values.is_empty() { Ok(Vec::new()) } else { Err("Give one text.".to_owned()) };
            };
            let text = input::text("values", value).map_err(|rejection| rejection.message)?;
            if text.is_empty() {
                return Ok(Vec::new());
            }
            let fits = pattern.as_deref().and_then(compiled).is_none_or(|pattern| pattern.is_match(&text));
            if fits { Ok(vec![text]) } else { Err("The answer does not have the form asked for.".to_owned()) }
        }
        AnswerKind::Choice { choices, several } => {
            let known = |value: &String| choices.iter().any(|choice| choice.value == *value);
            if !values.iter().all(known) {
                return Err("The answer is not among the choices.".to_owned());
            }
            let once: BTreeSet<&String> = values.iter().collect();
            if once.len() < values.len() || (values.len() > 1 && !several) {
                let message = if *several { "Choose each at most once." } else { "Choose one." };
                return Err(message.to_owned());
            }
            let chosen = choices.iter().filter(|choice| once.contains(&choice.value));
            Ok(chosen.map(|choice| choice.value.clone()).collect())
        }
        AnswerKind::Unsaid => Err("The policy does not say what is accepted.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::assignment_policy::questions::{Choice, Text};

    fn text(default: &str) -> Text {
        Text { default: default.to_owned(), translations: Vec::new() }
    }

    fn asked() -> Vec<Question> {
        let choice = |value: &str| Choice { value: value.to_owned(), text: text(value) };
        let question =
            |key: &str, required, answer| Question { key: key.to_owned(), text: text(key), required, answer };
        vec![
            question("ticket", true, AnswerKind::Text { pattern: Some("[A-Z]+-[0-9]+|none".to_owned()) }),
            question(
                "site",
                false,
                AnswerKind::Choice { choices: vec![choice("north"), choice("south")], several: false },
            ),
            question(
                "shifts",
                false,
                AnswerKind::Choice { choices: vec![choice("day"), choice("night")], several: true },
            ),
        ]
    }

    fn answers(given: &[(&str, &[&str])]) -> Vec<Answer> {
        let answer = |(question, values): &(&str, &[&str])| Answer {
            question: (*question).to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        given.iter().map(answer).collect()
    }

    fn codes(given: &[(&str, &[&str])]) -> Vec<Code> {
        let wrong = check(&asked(), &answers(given)).err().unwrap_or_default();
        wrong.into_iter().map(|rejection| rejection.code).collect()
    }

    #[test]
    fn answers_are_kept_in_the_order_of_the_questions() {
        let kept =
            check(&asked(), &answers(&[("shifts", &["night", "day"]), ("ticket", &[" OPS-7 "])])).unwrap();
        assert_eq!(kept, answers(&[("ticket", &["OPS-7"]), ("shifts", &["day", "night"])]));
    }

    #[test]
    fn what_is_missing_too_much_or_of_another_form_is_told() {
        assert_eq!(codes(&[]), [Code::QuestionUnanswered]);
        assert_eq!(codes(&[("ticket", &["  "])]), [Code::QuestionUnanswered]);
        assert_eq!(codes(&[("ticket", &[])]), [Code::QuestionUnanswered]);
        let field = |given: &[(&str, &[&str])]| {
            let wrong = check(&asked(), &answers(given)).unwrap_err();
            wrong[0].field.join(".")
        };
        assert_eq!(field(&[]), "answers");
        assert_eq!(
            field(&[("site", &[]), ("ticket", &[])]),
            "answers.1",
            "a place is named where there is one"
        );
        let invalid: [&[(&str, &[&str])]; 8] = [
            &[("ticket", &["ops-7"])],
            &[("ticket", &["xnone"])],
            &[("ticket", &["OPS-7", "OPS-8"])],
            &[("ticket", &["none"]), ("ticket", &["none"])],
            &[("ticket", &["none"]), ("colour", &["red"])],
            &[("ticket", &["none"]), ("site", &["east"])],
            &[("ticket", &["none"]), ("site", &["north", "south"])],
            &[("ticket", &["none"]), ("shifts", &["day", "day"])],
        ];
        for given in invalid {
            assert_eq!(codes(given), [Code::InvalidAnswer], "{given:?}");
        }
    }

    #[test]
    fn a_pattern_cannot_escape_its_brackets_nor_be_without_end() {
        for bad in ["a)|(b", "(", "(?=a)", r"(a)\1", &"a".repeat(501), "(a{1000}){1000}"] {
            assert!(compiled(bad).is_none(), "{bad}");
        }
        let either = compiled("a|b").unwrap();
        assert!(either.is_match("a") && !either.is_match("ab") && !either.is_match("a\n"));
    }

    proptest! {
        #[test]
        fn what_is_kept_is_accepted_again_as_it_is(values in proptest::collection::vec(("(ticket|site|shifts|other)", proptest::collection::vec("(none|A-1|north|south|day|night| )", 0..3)), 0..4)) {
            let given: Vec<Answer> = values.into_iter().map(|(question, values)| Answer { question, values }).collect();
            if let Ok(kept) = check(&asked(), &given) {
                prop_assert_eq!(check(&asked(), &kept), Ok(kept.clone()));
                prop_assert!(kept.iter().any(|answer| answer.question == "ticket"));
                prop_assert!(kept.iter().all(|answer| !answer.values.is_empty()));
            }
        }
    }
}
