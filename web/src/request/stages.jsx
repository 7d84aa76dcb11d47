import { Fact, Facts, Moment } from './parts.jsx';
import { either, STAGE_STATE } from './words.js';

/** The stages so far: who decided or is asked, until when, and what was said. */
export function Stages({ request: { approvals } }) {
  if (approvals.length === 0) return null;
  return (
    <section aria-labelledby="stages">
      <h2 id="stages">Decisions</h2>
      <ol className="list">
        {approvals.map((approval) => (
          <li key={approval.id}>
            <strong>{STAGE_STATE[approval.state]}</strong>
            <Facts>
              {approval.state === 'PENDING' ? <Waits approval={approval} /> : <Decided approval={approval} />}
            </Facts>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Waits({ approval: { approvers, expiresAt } }) {
  return (
    <>
      <Fact name="Asked">{approvers.length > 0 && either(approvers.map(({ displayName }) => displayName))}</Fact>
      <Fact name="Until">
        <Moment at={expiresAt} />. Without a decision it is denied then.
      </Fact>
    </>
  );
}

function Decided({ approval: { decidedBy, closedAt, justification } }) {
  return (
    <>
      <Fact name="By">{decidedBy?.displayName}</Fact>
      <Fact name="On">{closedAt && <Moment at={closedAt} />}</Fact>
      <Fact name="Reason">{justification && <span className="text">{justification}</span>}</Fact>
    </>
  );
}
