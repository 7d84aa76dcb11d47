import { useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { SignIn } from '../sign-in/panel.jsx';
import { waysOf } from '../sign-in/server.js';

/** Signs in to the organization of the field beside it: a button, and a dialog with the ways. */
export function SignInDialog({ organization, onToken }) {
  const dialog = useRef(null);
  const [ways, setWays] = useState(null);
  const [problem, setProblem] = useState('');

  async function open() {
    setWays(null);
    setProblem('');
    dialog.current.showModal();
    try {
      setWays(await waysOf(organization));
    } catch (error) {
      setProblem(error.message);
    }
  }

  function done(token) {
    dialog.current.close();
    onToken(token);
  }

  return (
    <>
      <button type="button" onClick={open}>
        Sign in…
      </button>
      {/* The dialog has forms of its own, which must not lie in the form of the header. */}
      {createPortal(
        <dialog ref={dialog} className="sign-in-dialog" aria-label="Sign in">
          <h2>Sign in{organization && ` to ${organization}`}</h2>
          {!organization && <p>To sign in by e-mail, name the organization at the top of the page first.</p>}
          {ways && <SignIn ways={ways} organization={organization} onToken={done} />}
          <p role="alert">{problem}</p>
          <button type="button" onClick={() => dialog.current.close()}>
            Cancel
          </button>
        </dialog>,
        document.body,
      )}
    </>
  );
}
