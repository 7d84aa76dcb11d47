import { useId, useRef, useState } from 'react';
import { exchangeCode, leaveFor, mailCode, publicAddress, Told } from './server.js';

/**
 * The ways to sign in to an organization, other than by a token that one has. `onToken` is given the token; signing in
 * at an issuer leaves the page instead.
 */
export function SignIn({ ways, organization, onToken }) {
  const [problem, setProblem] = useState('');
  const isBusy = useRef(false);

  /** Takes one step; what is pressed meanwhile does nothing, so that nobody is mailed two codes. */
  async function attempt(step) {
    if (isBusy.current) return undefined;
    isBusy.current = true;
    setProblem('');
    try {
      return await step();
    } catch (error) {
      setProblem(error instanceof Told ? error.message : 'That did not work. Try again.');
      return undefined;
    } finally {
      isBusy.current = false;
    }
  }

  // What the issuer sends back arrives at the public URL, and there this tab has not asked for it.
  const elsewhere = ways.issuers.length > 0 && publicAddress(ways);

  return (
    <div className="sign-in">
      {elsewhere ? (
        <p>
          To sign in with {ways.issuers.map(({ name }) => name).join(' or ')}, open this page at{' '}
          <a href={elsewhere}>{ways.public_url}</a>.
        </p>
      ) : (
        ways.issuers.map(({ issuer, name }) => (
          <button key={issuer} type="button" onClick={() => attempt(() => leaveFor(issuer, organization))}>
            Sign in with {name}
          </button>
        ))
      )}
      {ways.email && <ByMail organization={organization} attempt={attempt} onToken={onToken} />}
      {ways.issuers.length === 0 && !ways.email && <p>No way to sign in is set up here.</p>}
      <p className="problem" role="alert">
        {problem}
      </p>
    </div>
  );
}

/** First the address, then the code that was mailed there. Each step takes the focus when it takes the other's place. */
function ByMail({ organization, attempt, onToken }) {
  const [address, setAddress] = useState('');
  const [code, setCode] = useState('');
  const [mailed, setMailed] = useState('');
  const hasMoved = useRef(false);
  const id = useId();

  function move(to) {
    hasMoved.current = true;
    setCode('');
    setMailed(to);
  }

  function takeFocus(field) {
    if (!field || !hasMoved.current) return;
    hasMoved.current = false;
    field.focus();
  }

  async function mail(event) {
    event.preventDefault();
    const wanted = address.trim();
    if (await attempt(() => mailCode(organization, wanted))) move(wanted);
  }

  async function exchange(event) {
    event.preventDefault();
    const token = await attempt(() => exchangeCode(organization, mailed, code));
    if (token) onToken(token);
  }

  if (!mailed) {
    return (
      <form key="address" onSubmit={mail}>
        <label htmlFor={`${id}-address`}>Your e-mail address</label>
        <input
          id={`${id}-address`}
          type="email"
          autoComplete="email"
          required
          ref={takeFocus}
          value={address}
          onChange={(event) => setAddress(event.target.value)}
        />
        <button type="submit">Send me a code</button>
      </form>
    );
  }
  return (
    <form key="code" onSubmit={exchange}>
      <p id={`${id}-mailed`} role="status">
        If {mailed} can sign in here, a code is on its way to it. It is good for 10 minutes.
      </p>
      <label htmlFor={`${id}-code`}>The 8 digits of the mail</label>
      <input
        id={`${id}-code`}
        inputMode="numeric"
        autoComplete="one-time-code"
        required
        aria-describedby={`${id}-mailed`}
        ref={takeFocus}
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      <button type="submit">Sign in</button>
      <button type="button" onClick={() => move('')}>
        Another address
      </button>
    </form>
  );
}
