import { useEffect, useMemo, useRef, useState } from 'react';
import { nameIn, NOBODY, restore, save, subjectOf } from '../session.js';
import { signedOut } from '../sign-in/server.js';
import { AccessRequest } from './access-request.jsx';
import { createApi, Problem } from './api.js';
import { Assignment } from './assignment.jsx';
import { dropAllDrafts } from './drafts.js';
import { Elsewhere, Nowhere } from './elsewhere.jsx';
import { Home } from './home.jsx';
import { Page, usePage, useQuery } from './hooks.js';
import viewerQuery from './operations/viewer.graphql';
import { Package } from './package.jsx';
import { Waiting } from './parts.jsx';
import { routeOf, to } from './route.js';
import { SignInView } from './sign-in.jsx';

const VIEWS = {
  home: Home,
  package: Package,
  request: AccessRequest,
  assignment: Assignment,
  elsewhere: Elsewhere,
  nowhere: Nowhere,
};

/** The page of an organization, as its address names it; `ways` is what people can sign in by. */
export function Shell({ organization, ways }) {
  const [session, setSession] = useState(() => restore(ways.people));
  const [problem, setProblem] = useState('');
  const [hash, setHash] = useState(location.hash);
  /** The token of the session that there is now: an answer to another one may come late. */
  const current = useRef('');
  current.current = session.token;

  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);

  function begin(next) {
    setProblem('');
    save(next);
    setSession(next);
  }

  function end(why) {
    save(NOBODY);
    setSession(NOBODY);
    setProblem(why);
  }

  function signOut() {
    dropAllDrafts();
    signedOut();
    end('');
  }

  const api = useMemo(() => {
    const { token } = session;
    const call = createApi(token, organization);
    return async (...asked) => {
      try {
        return await call(...asked);
      } catch (error) {
        const isRefused = error instanceof Problem && error.kind === 'refused';
        if (isRefused && token === current.current) end(error.message);
        throw error;
      }
    };
  }, [session.token, organization]);
  // Whatever address the page was opened by: the server knows its links by its public one.
  const link = `${ways.public_url}/@${organization}`;
  const page = { api, name: organization, link, subject: subjectOf(session.token) };

  return (
    <Page.Provider value={page}>
      {session.token ? (
        <SignedIn key={session.token} session={session} hash={hash} onSignOut={signOut} />
      ) : (
        <>
          <Banner name={organization} />
          <SignInView ways={ways} organization={organization} problem={problem} onSession={begin} />
        </>
      )}
    </Page.Provider>
  );
}

function SignedIn({ session, hash, onSignOut }) {
  const page = usePage();
  const { data, problem, reload } = useQuery(viewerQuery, {});
  const name = data?.organization.displayName ?? page.name;
  const route = routeOf(hash);
  const View = VIEWS[route.view];
  return (
    <Page.Provider value={{ ...page, name }}>
      <Banner name={name}>
        <p>Signed in{data && ` as ${data.viewer.user?.displayName ?? nameIn(session)}`}</p>
        <button type="button" onClick={onSignOut}>
          Sign out
        </button>
      </Banner>
      {data ? <View key={hash} {...route} /> : <Waiting problem={problem} onRetry={reload} />}
    </Page.Provider>
  );
}

function Banner({ name, children }) {
  return (
    <header>
      {/* Before one is signed in, the address says what for. */}
      <p className="organization">{children ? <a href={to.home}>{name}</a> : name}</p>
      {children}
    </header>
  );
}
