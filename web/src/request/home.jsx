import { useEffect, useState } from 'react';
import { List } from './list.jsx';
import inbox from './operations/inbox.graphql';
import ownAssignments from './operations/own-assignments.graphql';
import ownRequests from './operations/own-requests.graphql';
import requestable from './operations/requestable-packages.graphql';
import { Input, Moment, View } from './parts.jsx';
import { to } from './route.js';
import { ASSIGNMENT_STATE, NOT_OVER, REQUEST_STATE, REQUEST_TYPE } from './words.js';

/** How long the person has stopped typing when the list is asked for again, in milliseconds. */
const PAUSE = 300;

/** What waits for the person, what they have, and what they can have. */
export function Home() {
  return (
    <View title="Access">
      <section aria-labelledby="decide">
        <h2 id="decide">Waits for your decision</h2>
        <List operation={inbox} label="requests to decide" empty="Nothing waits for you.">
          {({ subject, requestor, dueAt }) => (
            <li key={subject.id}>
              <a href={to.accessRequest(subject.accessRequest.id)}>
                {requestor.displayName}: {subject.accessRequest.accessPackage.displayName}
              </a>
              {dueAt && (
                <p>
                  To be decided until <Moment at={dueAt} />
                </p>
              )}
            </li>
          )}
        </List>
      </section>
      <Requestable />
      <section aria-labelledby="requests">
        <h2 id="requests">Your requests</h2>
        <List operation={ownRequests} label="requests of yours" empty="You have asked for nothing yet.">
          {({ id, type, state, submittedAt, accessPackage }) => (
            <li key={id}>
              <a href={to.accessRequest(id)}>{accessPackage.displayName}</a>
              <p>
                {REQUEST_TYPE[type]}, <Moment at={submittedAt} />. {REQUEST_STATE[state]}.
              </p>
            </li>
          )}
        </List>
      </section>
      <section aria-labelledby="held">
        <h2 id="held">What you have</h2>
        <List operation={ownAssignments} variables={{ state: NOT_OVER }} label="access that you have" empty="You have no access yet.">
          {({ id, state, expiresAt, accessPackage }) => (
            <li key={id}>
              <a href={to.assignment(id)}>{accessPackage.displayName}</a>
              <p>
                {ASSIGNMENT_STATE[state]}.
                {expiresAt && (
                  <>
                    {' '}
                    Ends on <Moment at={expiresAt} />.
                  </>
                )}
              </p>
            </li>
          )}
        </List>
      </section>
    </View>
  );
}

function Requestable() {
  const [text, setText] = useState('');
  const [search, setSearch] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setSearch(text.trim()), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);

  function find(event) {
    event.preventDefault();
    setSearch(text.trim());
  }

  return (
    <section aria-labelledby="requestable">
      <h2 id="requestable">What you can request</h2>
      <form role="search" onSubmit={find}>
        <div className="field">
          <label htmlFor="search">Find by name</label>
          <Input id="search" type="search" autoComplete="off" value={text} onChange={setText} />
        </div>
      </form>
      <List
        operation={requestable}
        variables={{ search }}
        label="packages that you can request"
        empty={search ? 'No package has that in its name.' : 'There is nothing that you can request by yourself.'}
      >
        {({ id, displayName, description, catalog }) => (
          <li key={id}>
            <a href={to.accessPackage(id)}>{displayName}</a>
            <p>
              {description} <span className="from">{catalog.displayName}</span>
            </p>
          </li>
        )}
      </List>
    </section>
  );
}
