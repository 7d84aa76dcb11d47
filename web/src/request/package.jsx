import { usePage, useQuery } from './hooks.js';
import target from './operations/share-link-target.graphql';
import { Fact, Facts, Moment, ResourceRoles, View, Waiting } from './parts.jsx';
import { RequestForm } from './request-form.jsx';
import { to } from './route.js';
import { HELD, LANGUAGE, OPEN_REQUESTS, reason, REQUEST_STATE } from './words.js';

/** These are no obstacles: the form asks for what they miss. */
const ANSWERED_BY_THE_FORM = ['POLICY_REQUIRED'];
/** What somebody has of a package, by the state of the assignment. */
const HAVING = {
  DELIVERED: 'You have this access already.',
  DELIVERING: 'This access is being set up for you.',
  PARTIALLY_DELIVERED: 'You have this access in part.',
  REVOKING: 'This access is being taken away from you.',
  SCHEDULED: 'You will have this access: it starts later.',
};

/** The package to which a share link leads. */
export function Package({ id, hash }) {
  const { link } = usePage();
  const url = link + hash;
  const { data, problem, reload } = useQuery(target, {
    url,
    package: id,
    open: OPEN_REQUESTS,
    held: HELD,
    language: LANGUAGE,
  });
  if (!data) return <Waiting problem={problem} onRetry={reload} />;

  const { accessPackage, applicablePolicies, blockers, userErrors } = data.shareLinkTarget;
  if (!accessPackage) {
    return (
      <View title="This link leads nowhere">
        {userErrors.map(({ code, message }) => (
          <p key={code}>{message}</p>
        ))}
        <p>
          <a href={to.home}>What you can request</a>
        </p>
      </View>
    );
  }
  const { displayName, description, catalog, resourceRoles } = accessPackage;
  const obstacles = blockers.filter(({ code }) => !ANSWERED_BY_THE_FORM.includes(code));
  const [assignment] = data.viewer.assignments.nodes;
  // A request that is being carried out is told by what it gives.
  const [request] = blockers.some(({ code }) => code === 'REQUEST_OPEN') ? data.viewer.accessRequests.nodes : [];
  const isSaid = { ALREADY_ASSIGNED: assignment, REQUEST_OPEN: request };
  return (
    <View title={displayName}>
      <p className="lead">{description}</p>
      <Facts>
        <Fact name="Catalog">{catalog.displayName}</Fact>
        <Fact name="Gives">{resourceRoles.length > 0 && <ResourceRoles roles={resourceRoles} />}</Fact>
      </Facts>
      <Already assignment={assignment} request={request} />
      {obstacles.length > 0 ? (
        <Obstacles obstacles={obstacles.filter(({ code }) => !isSaid[code])} />
      ) : (
        <RequestForm
          accessPackage={accessPackage}
          policies={applicablePolicies}
          // A link without a secret says no more than the package's id.
          shareLink={hash.includes('?t=') ? url : undefined}
        />
      )}
    </View>
  );
}

/** What the person holds, or has asked for, with links to it. */
function Already({ assignment, request }) {
  if (!assignment && !request) return null;
  return (
    <div className="notice">
      {assignment && (
        <p>
          <a href={to.assignment(assignment.id)}>{HAVING[assignment.state]}</a>
          {assignment.expiresAt && assignment.state !== 'REVOKING' && (
            <>
              {' '}
              Ends on <Moment at={assignment.expiresAt} />.
            </>
          )}
        </p>
      )}
      {request && (
        <p>
          <a href={to.accessRequest(request.id)}>You have asked for it already.</a> {REQUEST_STATE[request.state]}.
        </p>
      )}
    </div>
  );
}

/** Why it cannot be requested, beside what was said with a link to it. */
function Obstacles({ obstacles }) {
  return (
    <section aria-labelledby="obstacles">
      <h2 id="obstacles">You cannot request it now</h2>
      {obstacles.length > 0 && (
        <ul>
          {obstacles.map((blocker) => (
            <li key={blocker.code}>{reason(blocker)}</li>
          ))}
        </ul>
      )}
    </section>
  );
}
