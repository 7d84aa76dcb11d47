import { usePage, useQuery } from './hooks.js';
import target from './operations/share-link-target.graphql';
import { Fact, Facts, Moment, ResourceRoles, View, Waiting } from './parts.jsx';
import { RequestForm } from './request-form.jsx';
import { to } from './route.js';
import { ASSIGNMENT_STATE, HELD, LANGUAGE, OPEN_REQUESTS, reason, REQUEST_STATE } from './words.js';

/** These are no obstacles: the form asks for what they miss. */
const ANSWERED_BY_THE_FORM = ['POLICY_REQUIRED'];
/** What these say is said with a link to what there is already. */
const SAID_WITH_A_LINK = ['ALREADY_ASSIGNED', 'REQUEST_OPEN'];

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
  return (
    <View title={displayName}>
      <p className="lead">{description}</p>
      <Facts>
        <Fact name="Catalog">{catalog.displayName}</Fact>
        <Fact name="Gives">{resourceRoles.length > 0 && <ResourceRoles roles={resourceRoles} />}</Fact>
      </Facts>
      <Already viewer={data.viewer} />
      {obstacles.length > 0 ? (
        <Obstacles obstacles={obstacles} />
      ) : (
        <RequestForm
          accessPackage={accessPackage}
          policies={applicablePolicies}
          // A link without a secret says no more than the package's id.
          shareLink={hash.includes('?t=') ? url : undefined}
          draft={`${id}:${data.viewer.user?.id ?? ''}`}
        />
      )}
    </View>
  );
}

/** What the person holds, or has asked for, with links to it. */
function Already({ viewer }) {
  const [assignment] = viewer.assignments.nodes;
  const [request] = viewer.accessRequests.nodes;
  if (!assignment && !request) return null;
  return (
    <div className="notice">
      {assignment && (
        <p>
          <a href={to.assignment(assignment.id)}>You have this access already.</a> {ASSIGNMENT_STATE[assignment.state]}.
          {assignment.expiresAt && (
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

function Obstacles({ obstacles }) {
  const rest = obstacles.filter(({ code }) => !SAID_WITH_A_LINK.includes(code));
  return (
    <section aria-labelledby="obstacles">
      <h2 id="obstacles">You cannot request it now</h2>
      {rest.length > 0 && (
        <ul>
          {rest.map((blocker) => (
            <li key={blocker.code}>{reason(blocker)}</li>
          ))}
        </ul>
      )}
    </section>
  );
}
