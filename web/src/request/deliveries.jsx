import { Moment } from './parts.jsx';

/** What was given or taken where, and what failed and why. */
export function Deliveries({ deliveries, isTakenAway }) {
  if (deliveries.length === 0) return null;
  return (
    <section aria-labelledby="deliveries">
      <h2 id="deliveries">{isTakenAway ? 'What is taken away' : 'What is given'}</h2>
      <ul className="list">
        {deliveries.map((delivery) => (
          <li key={delivery.id}>
            {delivery.resourceRole.resource.displayName}: {delivery.resourceRole.displayName}
            <p>
              <Outcome delivery={delivery} />
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Outcome({ delivery: { state, result, completedAt, nextAttemptAt, lastError } }) {
  const at = completedAt && (
    <>
      {' '}
      <Moment at={completedAt} />
    </>
  );
  switch (state) {
    case 'SUCCEEDED':
      return (
        <>
          {RESULT[result] ?? 'Done'},{at}.
        </>
      );
    case 'FAILED':
      return (
        <>
          Failed,{at}: <span className="text">{lastError?.message}</span>
        </>
      );
    case 'CANCELED':
      return 'No longer wanted.';
    default:
      if (!lastError) return 'Under way.';
      return (
        <>
          Not done yet: <span className="text">{lastError.message}</span>
          {nextAttemptAt && (
            <>
              {' '}
              It is tried again <Moment at={nextAttemptAt} />.
            </>
          )}
        </>
      );
  }
}

const RESULT = {
  ALREADY_SO: 'It was so already',
  CHANGED: 'Done',
  EXISTED_BEFORE: 'Left as it was before',
  NO_LONGER_WANTED: 'No longer wanted',
  STILL_NEEDED: 'Left: other access needs it',
};
