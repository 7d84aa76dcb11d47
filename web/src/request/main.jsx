import { createRoot } from 'react-dom/client';
import { waysOf } from '../sign-in/server.js';
import { hintOf } from './route.js';
import { Shell } from './shell.jsx';

const root = createRoot(document.getElementById('page'));
const organization = hintOf(location.pathname);

async function start() {
  try {
    root.render(<Shell organization={organization} ways={await waysOf(organization)} />);
  } catch (error) {
    root.render(
      <main>
        <h1>This does not work now</h1>
        <p role="alert">{error.message}</p>
        <button type="button" onClick={start}>
          Try again
        </button>
      </main>,
    );
  }
}

start();
