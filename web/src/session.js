// Who the viewer is: the token and the organization. They live in sessionStorage, so they are gone with the browser
// tab and never reach another one; GraphiQL itself, which uses localStorage, never sees the token.
const KEY = 'guichet';

export const NOBODY = { token: '', organization: '', person: '' };

export function restore(people) {
  const saved = { ...NOBODY, ...read() };
  if (!saved.person) return saved;
  // A demo signs new tokens when it starts again: the saved one may be of yesterday.
  const person = people.find(({ name }) => name === saved.person);
  return person ? asPerson(person) : NOBODY;
}

export function save(session) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(session));
  } catch {
    // Storage may be switched off. The page then works until it is reloaded.
  }
}

export function asPerson({ name, organization, token }) {
  return { token, organization, person: name };
}

/** What people paste: often with a line break from a terminal, or with the name of the scheme. */
export function cleanToken(text) {
  return text.trim().replace(/^bearer\s+/i, '').replace(/\s/g, '');
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? '{}');
  } catch {
    return {};
  }
}
