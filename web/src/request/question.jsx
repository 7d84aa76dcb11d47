import { Field, Input, Required, TextArea } from './parts.jsx';
import { languageOf } from './words.js';

/** The name of the field of the question at this place. */
export const fieldAt = (place) => `answer-${place}`;

/** What was answered to a question; of choices only those that it has, and that can be seen to be chosen. */
export function valuesOf({ key, answer }, given) {
  const values = given[key] ?? [];
  if (answer.__typename !== 'AcceptedChoice') return values;
  const offered = values.filter((value) => answer.choices.some((choice) => choice.value === value));
  return answer.several ? offered : offered.slice(0, 1);
}

/** One answer for each question, in their order, so that the place of an answer in an error says which question. */
export function answersOf(questions, given) {
  return questions.map((question) => ({
    question: question.key,
    values: valuesOf(question, given).filter((value) => value !== ''),
  }));
}

/** A question of a policy: a text, one of some choices, or several of them. */
export function Question({ id, question, values, error, onChange }) {
  const { text, translations, required, answer } = question;
  const lang = languageOf(text, translations);
  if (answer.__typename === 'AcceptedChoice') {
    return <Choices id={id} question={question} lang={lang} values={values} error={error} onChange={onChange} />;
  }
  const hint = answer.pattern && (
    <>
      In the form <code>{answer.pattern}</code>
    </>
  );
  const Control = answer.pattern ? Input : TextArea;
  return (
    <Field id={id} label={text} lang={lang} hint={hint} error={error} isRequired={required}>
      {(given) => <Control {...given} value={values[0] ?? ''} onChange={(value) => onChange([value])} />}
    </Field>
  );
}

function Choices({ id, question, lang, values, error, onChange }) {
  const { text, required, answer } = question;

  function choose(value, isChosen) {
    if (!answer.several) return onChange(isChosen ? [value] : []);
    const rest = values.filter((other) => other !== value);
    return onChange(isChosen ? [...rest, value] : rest);
  }

  return (
    <fieldset aria-describedby={error && `${id}-error`}>
      <legend lang={lang}>
        {text}
        {required && <Required />}
      </legend>
      {error && (
        <p className="error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {answer.choices.map((choice, place) => {
        // An error leads to the first choice.
        const choiceId = place === 0 ? id : `${id}-${place}`;
        return (
          <div className="choice" key={choice.value}>
            <input
              type={answer.several ? 'checkbox' : 'radio'}
              id={choiceId}
              name={id}
              checked={values.includes(choice.value)}
              onChange={(event) => choose(choice.value, event.target.checked)}
            />
            <label htmlFor={choiceId} lang={languageOf(choice.text, choice.translations)}>
              {choice.text}
            </label>
          </div>
        );
      })}
      {!answer.several && !required && values.length > 0 && (
        <button type="button" className="plain" onClick={() => onChange([])}>
          Choose none
        </button>
      )}
    </fieldset>
  );
}
