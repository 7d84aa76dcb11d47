import { Deciders } from './deciders.jsx';
import { useDraft } from './drafts.js';
import { useMutation } from './hooks.js';
import submit from './operations/submit.graphql';
import { ErrorSummary, Field, halfTyped, Input, Lasting, Moment, Required, Send, TextArea, useIds } from './parts.jsx';
import { answersOf, fieldAt, Question, valuesOf } from './question.jsx';
import { to } from './route.js';
import { instant, reason } from './words.js';

const EMPTY = { policy: '', justification: '', startsAt: '', expiresAt: '', answers: {} };

/** Asks for a package: under which policy, the answers to its questions, why, when. */
export function RequestForm({ accessPackage, policies, shareLink }) {
  const ids = useIds();
  const { draft: form, change, drop } = useDraft(accessPackage.id, EMPTY);
  const { send, isBusy, errors, refuse } = useMutation(submit, true);
  const only = policies.length === 1 ? policies[0] : null;
  const policy = only ?? policies.find(({ id }) => id === form.policy);
  const questions = policy?.questions ?? [];

  async function request(event) {
    event.preventDefault();
    const unread = halfTyped(event.currentTarget);
    if (unread.length > 0) return refuse(unread);
    const payload = await send({
      accessPackage: accessPackage.id,
      policy: policy?.id,
      shareLink,
      answers: answersOf(questions, form.answers),
      justification: form.justification,
      ...(policy?.customSchedule && { startsAt: instant(form.startsAt), expiresAt: instant(form.expiresAt) }),
    });
    if (!payload) return undefined;
    drop();
    location.hash = to.accessRequest(payload.accessRequest.id);
    return undefined;
  }

  const labels = {
    // The only one is not chosen: there is no field for it.
    policy: only ? [] : ['How you get it', ids(`policy-${policies[0]?.id}`)],
    justification: ['Why you need it', ids('justification')],
    startsAt: ['Start', ids('startsAt')],
    expiresAt: ['End', ids('expiresAt')],
  };
  // The path of an error ends with the name of the field; that of an answer with its place among the questions.
  const located = errors.map((error) => {
    const [, name, place] = error.field ?? [];
    const question = name === 'answers' ? questions[Number(place ?? NaN)] : undefined;
    const [label, id] = question ? [question.text, ids(fieldAt(place))] : (labels[name] ?? []);
    return { message: reason(error), label, id };
  });
  const errorAt = (id) => located.find((error) => error.id === id)?.message;
  const control = (name) => ({ id: labels[name][1], label: labels[name][0], error: errorAt(labels[name][1]) });

  return (
    <form noValidate aria-labelledby={ids('title')} onSubmit={request}>
      <h2 id={ids('title')}>Request it</h2>
      <ErrorSummary refusal={errors} errors={located} />
      {!only && (
        <Policies
          policies={policies}
          chosen={form.policy}
          ids={ids}
          error={errorAt(labels.policy[1])}
          onChange={(chosen) => change({ policy: chosen })}
        />
      )}
      {policy && (
        <>
          {only && policy.description && <p>{policy.description}</p>}
          {questions.map((question, place) => (
            <Question
              key={`${policy.id} ${question.key}`}
              id={ids(fieldAt(place))}
              question={question}
              values={valuesOf(question, form.answers)}
              error={errorAt(ids(fieldAt(place)))}
              onChange={(values) => change({ answers: { ...form.answers, [question.key]: values } })}
            />
          ))}
          <Field {...control('justification')} isRequired={policy.justificationRequired}>
            {(given) => (
              <TextArea {...given} value={form.justification} onChange={(justification) => change({ justification })} />
            )}
          </Field>
          {policy.customSchedule && (
            <>
              <Field {...control('startsAt')} hint="Left empty: as soon as it is decided.">
                {(given) => (
                  <Input
                    {...given}
                    type="datetime-local"
                    name="startsAt"
                    value={form.startsAt}
                    onChange={(startsAt) => change({ startsAt })}
                  />
                )}
              </Field>
              <Field {...control('expiresAt')} hint="Left empty: as late as the policy allows.">
                {(given) => (
                  <Input
                    {...given}
                    type="datetime-local"
                    name="expiresAt"
                    value={form.expiresAt}
                    onChange={(expiresAt) => change({ expiresAt })}
                  />
                )}
              </Field>
            </>
          )}
          <h3>How it ends</h3>
          <p>
            <Ending policy={policy} />
          </p>
          <Deciders key={policy.id} input={{ accessPackage: accessPackage.id, policy: policy.id, shareLink }} />
        </>
      )}
      <Send isBusy={isBusy}>Send the request</Send>
    </form>
  );
}

function Policies({ policies, chosen, ids, error, onChange }) {
  return (
    <fieldset aria-describedby={error && ids('policy-error')}>
      <legend>
        How you get it
        <Required />
      </legend>
      {error && (
        <p className="error" id={ids('policy-error')}>
          {error}
        </p>
      )}
      {policies.map(({ id, displayName, description, requiresSignedLink }) => (
        <div className="choice" key={id}>
          <input
            type="radio"
            id={ids(`policy-${id}`)}
            name={ids('policy')}
            checked={chosen === id}
            onChange={() => onChange(id)}
            aria-describedby={ids(`policy-${id}-hint`)}
          />
          <label htmlFor={ids(`policy-${id}`)}>{displayName}</label>
          <p className="hint" id={ids(`policy-${id}-hint`)}>
            {description} {requiresSignedLink && 'By a link with a secret only.'}
          </p>
        </div>
      ))}
    </fieldset>
  );
}

function Ending({ policy: { expiration, extension } }) {
  const { kind, duration, at } = expiration;
  return (
    <>
      {kind === 'NEVER' && 'It does not end by itself.'}
      {kind === 'AFTER_DURATION' && (
        <>
          <Lasting text={duration} /> after its start, at the latest.
        </>
      )}
      {kind === 'ON_DATE' && (
        <>
          On <Moment at={at} />, at the latest.
        </>
      )}
      {kind !== 'NEVER' && EXTENSION[extension]}
    </>
  );
}

const EXTENSION = {
  NOT_ALLOWED: ' You cannot keep it longer than that.',
  WITHOUT_APPROVAL: ' Before that you can keep it longer, and nobody has to decide.',
  WITH_APPROVAL: ' Before that you can ask to keep it longer.',
};
