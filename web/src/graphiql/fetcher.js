import { getIntrospectionQuery } from 'graphql';
import { headersOf } from '../session.js';

// GraphiQL's own introspection leaves out what Guichet uses: one-of inputs, deprecated arguments, scalar links.
const INTROSPECTION = getIntrospectionQuery({
  inputValueDeprecation: true,
  oneOf: true,
  schemaDescription: true,
  specifiedByUrl: true,
});

/**
 * Sends operations as the viewer of the session. `report` is told, for each answer, what is wrong with the session
 * (`refused`, `unreachable`, `unsendable`), or null.
 */
export function createFetcher(session, report) {
  return async ({ query, variables, operationName }) => {
    if (!session.token) return failure('No token is given. Choose who you are at the top of the page.');
    const who = headersOf(session);
    if (!who) {
      report('unsendable');
      return failure('The token or the organization holds characters that cannot be sent.');
    }
    const introspects = operationName === 'IntrospectionQuery';
    const answer = await send(who, {
      query: introspects ? INTROSPECTION : query,
      variables,
      operationName: operationName ?? undefined,
    });
    report(answer.problem);
    // GraphiQL repeats an introspection whose answer has no `data`, with a query for servers of 2016.
    return introspects ? { data: null, ...answer.result } : answer.result;
  };
}

async function send(who, operation) {
  const headers = {
    accept: 'application/graphql-response+json, application/json;q=0.9',
    'content-type': 'application/json',
    ...who,
  };
  let response;
  try {
    response = await fetch('graphql', {
      method: 'POST',
      headers,
      body: JSON.stringify(operation),
    });
  } catch {
    return { problem: 'unreachable', result: failure('The server did not answer. Is it running?') };
  }
  const result = await body(response);
  return { problem: isRefused(response, result) ? 'refused' : null, result };
}

async function body(response) {
  const text = await response.text();
  try {
    const result = JSON.parse(text);
    if (result !== null && typeof result === 'object') return result;
  } catch {
    // Something between here and Guichet answered, such as a proxy; told below.
  }
  return failure(`The server answered with the status ${response.status} and no GraphQL.`);
}

function isRefused(response, result) {
  const codes = Array.isArray(result.errors) ? result.errors.map((error) => error?.extensions?.code) : [];
  return response.status === 401 || codes.includes('UNAUTHENTICATED');
}

function failure(message) {
  return { errors: [{ message }] };
}
