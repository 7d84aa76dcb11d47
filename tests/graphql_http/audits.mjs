// Audits the server at a URL with the `Authorization` given, and prints the results as one line of JSON.
import { serverAudits } from 'graphql-http';

const [url, authorization] = process.argv.slice(2);
process.stdin.resume().on('end', () => process.exit());

const fetchFn = (address, options = {}) =>
  fetch(address, { ...options, headers: { ...options.headers, authorization } });

const results = await Promise.all(
  serverAudits({ url, fetchFn }).map(async (audit) => {
    const { id, name, status, reason, response } = await audit.fn();
    const answer = status === 'ok' ? undefined : { status: response?.status, body: await response?.text() };
    return { id, name, status, reason, answer };
  }),
);
console.log(JSON.stringify(results));
process.exit();
