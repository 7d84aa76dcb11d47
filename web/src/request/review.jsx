import { useRef } from 'react';
import { useDraft } from './drafts.js';
import { useMutation, usePage } from './hooks.js';
import decide from './operations/decide.graphql';
import decided from './operations/decided.graphql';
import { ErrorSummary, Field, focusHeading, TextArea, useIds } from './parts.jsx';
import { reason } from './words.js';

/** How long to wait for the decision to be carried out before looking again, in milliseconds. */
const PAUSE = 1_000;

/**
 * The decision of the stage that waits. Why one was refused stays when there is nothing to decide any more. When others
 * decide the stage meanwhile, the next one does not slip under what was meant for it.
 */
export function Review({ request, onDone }) {
  const { api } = usePage();
  const ids = useIds();
  const { draft, change, drop } = useDraft(`review ${request.id}`, { why: '' });
  const { send, isBusy, errors, refuse } = useMutation(decide, true);
  const approval = request.approvals.find(({ state }) => state === 'PENDING');
  const isOffered = request.viewerCanReview && approval;
  /** The stage that the person has before them, and the last that they decided. */
  const meant = useRef(null);
  const own = useRef(null);
  if (!isOffered) meant.current = null;
  else if (!meant.current || meant.current === own.current) meant.current = approval.id;
  const isAnother = isOffered && meant.current !== approval.id;

  function goOn() {
    meant.current = approval.id;
    refuse([]);
    // The button goes away with what it was for.
    document.getElementById(ids('reason')).focus();
  }

  async function submit(decision) {
    const { id } = approval;
    const item = { id, decision, justification: draft.why || null };
    const payload = await send({ selection: { items: [item] } });
    if (!payload) return;
    try {
      const { error } = await outcome(api, payload.bulkOperation);
      if (error) {
        refuse([error]);
      } else {
        own.current = id;
        drop();
        focusHeading();
      }
    } catch (problem) {
      refuse([problem]);
    }
    onDone();
  }

  const located = errors.map((error) =>
    error.code === 'JUSTIFICATION_REQUIRED' || error.field?.includes('justification')
      ? { message: reason(error), label: 'Reason', id: ids('reason') }
      : { message: reason(error) },
  );
  return (
    <>
      <ErrorSummary refusal={errors} errors={located} title="This was not decided" />
      {isOffered && (
        <form noValidate aria-labelledby={ids('title')} onSubmit={(event) => event.preventDefault()}>
          <h2 id={ids('title')}>Your decision</h2>
          <Field
            id={ids('reason')}
            label="Reason"
            hint="Who asked sees it."
            isRequired={approval.justificationRequired}
            error={located.find(({ id }) => id)?.message}
          >
            {(given) => <TextArea {...given} value={draft.why} onChange={(why) => change({ why })} />}
          </Field>
          <p className="change" role="status">{isAnother && 'This stage was decided meanwhile, and the next one waits for you.'}</p>
          <div className="buttons">
            {isAnother ? (
              <button key="go on" type="button" onClick={goOn}>
                Go on to the next stage
              </button>
            ) : (
              <>
                <button key="approve" type="button" className="main" aria-disabled={isBusy} onClick={() => submit('APPROVE')}>
                  Approve
                </button>
                <button key="deny" type="button" aria-disabled={isBusy} onClick={() => submit('DENY')}>
                  Deny
                </button>
              </>
            )}
          </div>
        </form>
      )}
    </>
  );
}

/** What became of the only item of a decision, once that is known. */
async function outcome(api, bulkOperation) {
  let operation = bulkOperation;
  while (operation.state === 'RUNNING') {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    operation = (await api(decided, { id: operation.id })).node;
  }
  return operation.items.nodes[0];
}
