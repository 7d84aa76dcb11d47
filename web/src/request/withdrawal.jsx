import { useDraft } from './drafts.js';
import { useMutation } from './hooks.js';
import { Aside, ErrorSummary, Field, Send, TextArea, useIds } from './parts.jsx';
import { reason } from './words.js';

/**
 * Takes something back, with a reason: `words` are its `summary`, its `action`, and the `title` of why it was refused,
 * which stays when it is offered no more. `onDone` is given the payload.
 */
export function Withdrawal({ id, operation, isRepeatable, isOffered, words, onDone, onRefused }) {
  const ids = useIds();
  const { draft, change, drop } = useDraft(`${words.action} ${id}`, { why: '' });
  const { send, isBusy, errors } = useMutation(operation, isRepeatable, onRefused);

  async function withdraw(event) {
    event.preventDefault();
    const payload = await send({ id, reason: draft.why || null });
    if (!payload) return;
    drop();
    onDone(payload);
  }

  return (
    <>
      <ErrorSummary refusal={errors} errors={errors.map((error) => ({ message: reason(error) }))} title={words.title} />
      {isOffered && (
        <Aside summary={words.summary} isBegun={draft.why !== ''}>
          <form noValidate onSubmit={withdraw}>
            <Field id={ids('reason')} label="Why">
              {(given) => <TextArea {...given} value={draft.why} onChange={(why) => change({ why })} />}
            </Field>
            <Send isBusy={isBusy}>{words.action}</Send>
          </form>
        </Aside>
      )}
    </>
  );
}
