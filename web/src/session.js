// Who the viewer is: the token and the organization. They live in sessionStorage, so they are gone with the browser
// tab; another one has them only where the browser made it as a copy of this one. The pages share them: who signed in
// at one is signed in at the other.
const KEY = 'guichet';

export const NOBODY = { token: '', organization: '', person: '' };

export function restore(people) {
  const saved = { ...NOBODY, ...read() };
  if (!saved.person) return saved;
  // A demo signs new tokens when it starts again: the saved one may be of yesterday.
  const person = people.find(({ name }) => name === saved.person);
  return person ? { ...asPerson(person), organization: saved.organization } : NOBODY;
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

/** How to call somebody whom the organization does not know yet. */
export function nameIn({ person, token }) {
  const { name, email } = claimsOf(token);
  return person || name || email || 'a guest';
}

/** Whose token it is: the same for each that somebody gets from an issuer. */
export function subjectOf(token) {
  const { iss, sub } = claimsOf(token);
  return JSON.stringify([iss, sub]);
}

/** What a token says. It is the server's to judge, this only reads it; of what is none, nothing. */
function claimsOf(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')), (at) => at.charCodeAt(0));
    return { ...JSON.parse(new TextDecoder().decode(bytes)) };
  } catch {
    return {};
  }
}

/** What people paste: often with a line break from a terminal, or with the name of the scheme. */
export function cleanToken(text) {
  return text.trim().replace(/^bearer\s+/i, '').replace(/\s/g, '');
}

/** A header can carry these characters only; fetch would refuse others with a riddle. */
const HEADER_VALUE = /^[\x21-\x7e]+$/;

/** The headers that say who calls, or null where they cannot be sent. */
export function headersOf({ token, organization }) {
  if (![token, organization || 'none'].every((value) => HEADER_VALUE.test(value))) return null;
  const headers = { authorization: `Bearer ${token}` };
  if (organization) headers['guichet-organization'] = organization;
  return headers;
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? '{}');
  } catch {
    return {};
  }
}
