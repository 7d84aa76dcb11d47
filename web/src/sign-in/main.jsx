import { createRoot } from 'react-dom/client';
import { save } from '../session.js';
import { comeBack, Told } from './server.js';

const answer = new URLSearchParams(location.search);
const address = location.origin + location.pathname;
// The code is good once; it has no business in the history.
history.replaceState(null, '', location.pathname);

const root = createRoot(document.getElementById('page'));
root.render(<p role="status">Signing in…</p>);
try {
  const { session, back } = await comeBack(answer, address);
  save(session);
  location.replace(back);
} catch (error) {
  const message = error instanceof Told ? error.message : 'Signing in did not work. Begin again.';
  root.render(
    <main className="narrow">
      <h1>You are not signed in</h1>
      <p role="alert">{message}</p>
      {error.back && (
        <p>
          <a href={error.back}>Back</a>
        </p>
      )}
    </main>,
  );
}
