// What the server offers to sign in by, and the steps of each way.

/** The ways to sign in to an organization; without one those that need none. */
export function waysOf(organization) {
  return ask(`sign-in/ways?organization=${encodeURIComponent(organization)}`);
}

/** Has a code mailed. The answer is the same for every address. */
export function mailCode(organization, address) {
  return ask('sign-in/codes', { organization, address });
}

/** Takes a code for a token. */
export async function exchangeCode(organization, address, code) {
  const { access_token } = await ask('sign-in/tokens', { organization, address, code });
  return access_token;
}

/** What the page remembers while the issuer has the person sign in. */
const PENDING = 'guichet:sign-in';

/** Whether somebody signed out in this tab: then the issuer, where they may be signed in still, is to ask who it is. */
const SIGNED_OUT = 'guichet:signed-out';

/** Notes that somebody signed out. */
export function signedOut() {
  sessionStorage.setItem(SIGNED_OUT, 'true');
}

/** The address of this page at the server's public URL, where issuers send people back to; none where it is there. */
export function publicAddress({ public_url }) {
  if (new URL(public_url).origin === location.origin) return null;
  const { pathname, search, hash } = location;
  return public_url + pathname.slice(pathname.lastIndexOf('/')) + search + hash;
}

/** Leaves for the issuer; its page of the way back goes on when it sends the person there, and then returns here. */
export async function leaveFor(issuer, organization) {
  const again = sessionStorage.getItem(SIGNED_OUT) !== null;
  const { authorization_url, ...begun } = await ask('sign-in/authorizations', { issuer, again });
  const { pathname, search, hash } = location;
  const pending = { ...begun, issuer, organization, back: pathname + search + hash };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  location.assign(authorization_url);
}

/** Takes what the issuer sent back to this address: the session, and where the person came from. */
export async function comeBack(answer, address) {
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? 'null');
  // Each try is good once, whatever comes of it.
  sessionStorage.removeItem(PENDING);
  if (!pending) throw new Told('This browser tab did not ask to sign in. Open the link that you were given again.');
  const { issuer, organization, redirect_uri, code_verifier, back } = pending;
  try {
    // Whoever made up this answer does not know the state. An issuer does, and may send the person on to another one with
    // it, to be brought the code of that: but each issuer sends back to an address of its own.
    const isOfTheIssuer = address === redirect_uri && (answer.get('iss') ?? issuer) === issuer;
    if (answer.get('state') !== pending.state || !isOfTheIssuer) {
      throw new Told('The answer does not belong to this sign-in. Begin again.');
    }
    if (answer.has('error')) throw new Told(refusal(answer));
    const code = answer.get('code');
    if (!code) throw new Told('You were not signed in: the sign-in service sent no code.');
    const { access_token: token } = await ask('sign-in/authorizations/tokens', { issuer, code, code_verifier });
    sessionStorage.removeItem(SIGNED_OUT);
    return { session: { token, organization, person: '' }, back };
  } catch (error) {
    error.back = back;
    throw error;
  }
}

function refusal(answer) {
  if (answer.get('error') === 'access_denied') return 'You were not signed in: it was cancelled, or not allowed.';
  const said = answer.get('error_description') ?? answer.get('error');
  return `You were not signed in. The sign-in service says: ${said}`;
}

/** An error whose message is for the person. */
export class Told extends Error {}

/** The address of the server: scripts lie in a folder right below it. */
const SERVER = new URL('../', import.meta.url);

async function ask(path, body) {
  let response;
  try {
    response = await fetch(new URL(path, SERVER), body && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Told('The server did not answer. Try again in a moment.');
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  throw new Told(answer?.errors?.[0]?.message ?? `The server answered with the status ${response.status}.`);
}
