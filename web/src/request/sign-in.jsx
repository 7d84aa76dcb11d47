import { useState } from 'react';
import { asPerson, cleanToken, headersOf } from '../session.js';
import { SignIn } from '../sign-in/panel.jsx';
import { Field, Input, View } from './parts.jsx';

/** The ways to sign in; in the demo also as one of its people, or with a token. */
export function SignInView({ ways, organization, problem, onSession }) {
  const isDemo = ways.people.length > 0;
  const hasOthers = ways.issuers.length > 0 || ways.email;
  const withToken = (token) => onSession({ token, organization, person: '' });
  return (
    <View title="Sign in">
      {problem && (
        <p className="errors" role="alert">
          {problem}
        </p>
      )}
      {isDemo && <Demo people={ways.people} onSession={onSession} onToken={withToken} />}
      {(hasOthers || !isDemo) && <SignIn ways={ways} organization={organization} onToken={withToken} />}
    </View>
  );
}

function Demo({ people, onSession, onToken }) {
  const [name, setName] = useState(people[0].name);
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState('');

  function act(event) {
    event.preventDefault();
    onSession(asPerson(people.find((person) => person.name === name)));
  }

  function use(event) {
    event.preventDefault();
    const clean = cleanToken(token);
    if (!clean) return setProblem('Paste a token first.');
    if (!headersOf({ token: clean })) return setProblem('It holds characters that no token has: copy it again.');
    return onToken(clean);
  }

  return (
    <>
      <p>This is a demo: you can be any of its people.</p>
      <form onSubmit={act}>
        <Field id="person" label="Act as">
          {(given) => (
            <select {...given} value={name} onChange={(event) => setName(event.target.value)}>
              {people.map((person) => (
                <option key={person.name} value={person.name}>
                  {`${person.name} · ${person.role} · ${person.organization}`}
                </option>
              ))}
            </select>
          )}
        </Field>
        <button type="submit" className="main">
          Continue
        </button>
      </form>
      <form noValidate onSubmit={use}>
        <Field id="token" label="Access token" hint="Or paste one that you have." error={problem}>
          {/* A text field that hides its text: password managers would offer to keep a password field. */}
          {(given) => (
            <Input {...given} className="secret" autoComplete="off" autoCapitalize="off" spellCheck={false} value={token} onChange={setToken} />
          )}
        </Field>
        <button type="submit">Use this token</button>
      </form>
    </>
  );
}
