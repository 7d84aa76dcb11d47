// Calls of the GraphQL API, in the organization of the page's address.
import { headersOf } from '../session.js';

/**
 * Why a call has no answer; the message is for the person. `kind` is `refused` where the token is not accepted,
 * `unknown` where there is no such organization, else `failed`.
 */
export class Problem extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** A function that runs an operation as the one to whom the token belongs, and gives its data. */
export function createApi(token, organization) {
  return async (query, variables) => {
    const who = headersOf({ token, organization });
    if (!who) throw new Problem('refused', 'The token holds characters that cannot be sent: copy it again.');
    const { response, result } = await send(who, { query, variables });
    const [error] = Array.isArray(result.errors) ? result.errors : [];
    if (response.status === 401 || error?.extensions?.code === 'UNAUTHENTICATED') throw refused(response);
    if (error) throw told(error, response, organization);
    return result.data;
  };
}

/** What the challenge of the server says, where signing in again would not help. */
const CHALLENGES = {
  'the guest is blocked': 'You had nothing here for a while, and were blocked. Ask whoever gave you the link to unblock you.',
  'the user is deactivated': 'You were deactivated in this organization.',
};

function refused(response) {
  const [, why] = /error_description="([^"]*)"/.exec(response.headers.get('www-authenticate') ?? '') ?? [];
  const usual = 'The server did not accept your sign-in: it is over, or was never good. Sign in again.';
  return new Problem('refused', CHALLENGES[why] ?? usual);
}

/** How the server begins what it says of an organization that is not there. The code alone says less. */
const NO_ORGANIZATION = 'There is no such organization.';

function told(error, { status }, organization) {
  const code = error.extensions?.code;
  if (status === 400 && code === 'BAD_USER_INPUT' && error.message?.startsWith(NO_ORGANIZATION)) {
    return new Problem('unknown', `There is no organization “${organization}” here. Look whether the address is right.`);
  }
  if (code === 'TIMEOUT' || code === 'UNAVAILABLE') {
    return new Problem('failed', 'The server is too busy. Try again in a moment.');
  }
  return new Problem('failed', error.message ?? 'The server could not answer.');
}

async function send(who, operation) {
  const headers = {
    accept: 'application/graphql-response+json, application/json;q=0.9',
    'content-type': 'application/json',
    ...who,
  };
  let response;
  try {
    response = await fetch('graphql', { method: 'POST', headers, body: JSON.stringify(operation) });
  } catch {
    throw new Problem('failed', 'The server did not answer. Try again in a moment.');
  }
  const result = await response.json().catch(() => null);
  if (result !== null && typeof result === 'object') return { response, result };
  throw new Problem('failed', `The server answered with the status ${response.status}. Try again in a moment.`);
}

/** A key that makes a mutation repeatable. `crypto.randomUUID` is only there on encrypted pages. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
