import { useState } from 'react';
import { asPerson, cleanToken, NOBODY } from '../session.js';
import { SignInDialog } from './sign-in.jsx';

/** Who the viewer is. A choice counts at once; what is typed counts when the form is sent (Enter, or the button). */
export function ViewerForm({ people, session, onChange }) {
  const [token, setToken] = useState(session.token);
  const [organization, setOrganization] = useState(session.organization);
  const isChanged = cleanToken(token) !== session.token || organization.trim() !== session.organization;

  function choose(name) {
    const person = people.find((person) => person.name === name);
    apply(person ? asPerson(person) : NOBODY);
  }

  function submit(event) {
    event.preventDefault();
    const clean = cleanToken(token);
    const person = people.find((person) => person.token === clean);
    apply({ token: clean, organization: organization.trim(), person: person?.name ?? '' });
  }

  function apply(next) {
    setToken(next.token);
    setOrganization(next.organization);
    onChange(next);
  }

  return (
    <form className="viewer" onSubmit={submit}>
      {people.length > 0 && (
        <div className="field">
          <label htmlFor="person">Person</label>
          <select id="person" value={session.person} onChange={(event) => choose(event.target.value)}>
            <option value="">{session.token && !session.person ? 'With a token of my own' : 'Choose…'}</option>
            {people.map(({ name, role, organization }) => (
              <option key={name} value={name}>{`${name} · ${role} · ${organization}`}</option>
            ))}
          </select>
        </div>
      )}
      <div className="field token">
        <label htmlFor="token">Token</label>
        {/* A text field that hides its text: password managers would offer to keep a password field. */}
        <input
          id="token"
          className="secret"
          type="text"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          placeholder="Paste an access token"
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor="organization">Organization</label>
        <input
          id="organization"
          type="text"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          placeholder="The token’s own"
          title="Slug or domain. Leave it empty to act in the token’s own organization."
          value={organization}
          onChange={(event) => setOrganization(event.target.value)}
        />
      </div>
      <button type="submit" className={isChanged ? 'pending' : undefined}>
        Use
      </button>
      <SignInDialog
        organization={organization.trim()}
        onToken={(token) => apply({ token, organization: organization.trim(), person: '' })}
      />
    </form>
  );
}
