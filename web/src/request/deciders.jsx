import { useQuery } from './hooks.js';
import preview from './operations/preview.graphql';
import { Lasting } from './parts.jsx';
import { CATALOG_ROLE, either, reason } from './words.js';

/** Who would decide a request. For another one it has to be made anew, so that nobody is shown the deciders of the last. */
export function Deciders({ input }) {
  const { data, problem } = useQuery(preview, { input });
  return (
    <>
      <h3>Who decides</h3>
      <div role="status">{problem ? <p>{problem.message}</p> : <Stages preview={data?.accessRequestPreview} />}</div>
    </>
  );
}

function Stages({ preview }) {
  if (!preview) return <p>Loading…</p>;
  const { policy, stages, userErrors } = preview;
  // The policy may be gone since it was shown. Nobody decides then, but nothing is given either.
  if (!policy) return userErrors.map((error) => <p key={error.code}>{reason(error)}</p>);
  if (stages.length === 0) return <p>Nobody has to decide.</p>;
  return (
    <>
      <ol>
        {stages.map(({ hasApprover, approvers, stage }, place) => (
          <li key={place}>
            {either(approvers.length > 0 ? approvers.map(({ displayName }) => displayName) : stage.approvers.map(inWords))},
            within <Lasting text={stage.timeout} />.{!hasApprover && ' Nobody is there now who could.'}
          </li>
        ))}
      </ol>
      <p>What nobody decides in time is denied.</p>
    </>
  );
}

/** Managers by how many steps they are above the person. */
const MANAGER = [
  undefined,
  'your manager',
  'your manager’s manager',
  'the manager three steps above you',
  'the manager four steps above you',
];

/** An approver whose name is not told. */
function inWords({ kind, managerLevel, catalogRole, user }) {
  switch (kind) {
    case 'MANAGER':
      return MANAGER[managerLevel];
    case 'SPONSOR':
      return 'the sponsors of your organization';
    case 'CATALOG_ROLE':
      return `the ${CATALOG_ROLE[catalogRole]} of the catalog`;
    default:
      return user?.displayName ?? 'somebody whom the policy names';
  }
}
