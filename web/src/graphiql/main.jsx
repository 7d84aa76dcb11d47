import './workers.js';
import { GraphiQL } from 'graphiql';
import { useEffect, useMemo, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createFetcher } from './fetcher.js';
import { OperationsMenu } from './operations.jsx';
import { restore, save } from '../session.js';
import { waysOf } from '../sign-in/server.js';
import { ViewerForm } from './viewer.jsx';

function Page({ people, tabs }) {
  const [session, setSession] = useState(() => restore(people));
  const [problem, setProblem] = useState(null);
  // An answer that was asked for by an earlier session says nothing of this one.
  const current = useRef(session);
  current.current = session;
  const fetcher = useMemo(
    () => createFetcher(session, (found) => current.current === session && setProblem(found)),
    [session],
  );
  // GraphiQL shows the query of the first prepared tab on a first visit, but forgets its variables.
  const [initialVariables] = useState(() => (isFirstVisit() ? (tabs[0]?.variables ?? undefined) : undefined));

  useEffect(() => save(session), [session]);

  function change(next) {
    setProblem(null);
    setSession(next);
  }

  const notice = session.token ? problem && PROBLEMS[problem](people) : hint(people);
  return (
    <>
      <header>
        <h1>Guichet</h1>
        <ViewerForm people={people} session={session} onChange={change} />
      </header>
      {/* Always there, though mostly empty: only then does a screen reader tell what appears in it. */}
      <p className={session.token ? 'notice problem' : 'notice'} role="status">
        {notice}
      </p>
      <main>
        <GraphiQL
          fetcher={fetcher}
          // null: do not ask for the schema; undefined: ask, and again whenever the fetcher is another.
          schema={session.token ? undefined : null}
          defaultTabs={tabs.map(({ query, variables }) => ({ query, variables }))}
          initialVariables={initialVariables}
          isHeadersEditorEnabled={false}
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
        >
          {/* The place of the logo, at the end of the tabs, is where one looks for more of them. */}
          <GraphiQL.Logo>{tabs.length > 0 && <OperationsMenu prepared={tabs} />}</GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

const PROBLEMS = {
  refused: (people) =>
    'The server did not accept this token: it may be mistyped, cut off or expired. ' +
    (people.length > 0 ? 'Choose a person, or paste another token.' : 'Sign in again, or paste a fresh one and press Use.'),
  unsendable: () => 'The token or the organization holds characters that cannot be sent: copy it again.',
  unreachable: () => 'The server did not answer. Is it running?',
};

function hint(people) {
  return people.length > 0
    ? 'To begin, choose a person: the demo has a token for each. Or paste a token of your own and press Use.'
    : 'To begin, sign in, or paste an access token and press Use. Closing this browser tab forgets it.';
}

function isFirstVisit() {
  try {
    return localStorage.getItem('graphiql:tabState') === null;
  } catch {
    return true;
  }
}

const place = document.getElementById('page');
try {
  const [{ people }, response] = await Promise.all([waysOf(''), fetch('graphiql/config.json')]);
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const { tabs } = await response.json();
  createRoot(place).render(<Page people={people} tabs={tabs} />);
} catch (error) {
  place.textContent = `The page cannot start: ${error.message}.`;
}
