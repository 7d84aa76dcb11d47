// What the scripts share that drive a running server: headless Chromium, cut off from everything but that.
import { argv, exit, getuid } from 'node:process';
import { chromium } from 'playwright-core';

/** Ends the script with one plain sentence. */
export function stop(sentence) {
  console.error(sentence);
  exit(1);
}

export function check(condition, sentence) {
  if (!condition) throw new Error(sentence);
}

/**
 * Runs a script with the parameters `<base-url> <chromium-path> [picture.png]`: `act` is given a driver. The script
 * ends with 0, or with 1 and one plain sentence.
 */
export async function drive(script, act) {
  const [base, executablePath, picture] = argv.slice(2);
  if (!base || !executablePath) stop(`Usage: node ${script} <base-url> <chromium-path> [picture.png]`);
  await run({ script, base, executablePath, picture }, act).catch(({ message }) => stop(message));
}

/**
 * Lets `act` drive a server that people reach at `base`, and who it sends them to at `origins`. Fails with the step that
 * failed and everything that must not happen, in the order it was seen: requests to elsewhere, violations of the
 * content policy, errors of scripts and of the console.
 */
export async function run({ script, base, executablePath, picture, origins = [] }, act) {
  const browser = await launch(base, executablePath);
  const faults = new Set();
  const tolerated = [];
  const allowed = [base, ...origins].map((url) => new URL(url).origin);
  let step = 'start';
  const driver = {
    base,
    picture,
    /** A page of its own, that shares nothing with others. */
    open: (options) => open(browser, { allowed, faults, tolerated, ...options }),
    /** From now on this in the console is no fault: Chromium itself reports refusals that a test provokes. */
    tolerate: (pattern) => tolerated.push(pattern),
    /** Does something that has a name; nothing may have gone wrong then. */
    async step(name, work) {
      step = name;
      const result = await work();
      if (faults.size > 0) throw new Error('');
      return result;
    },
  };
  try {
    await act(driver);
  } catch (error) {
    if (error.message) faults.add(error.message);
  } finally {
    await browser.close();
  }
  if (faults.size > 0) throw new Error(`${script} failed at "${step}": ${[...faults].join(' ')}`);
}

function launch(base, executablePath) {
  return chromium
    .launch({
      executablePath,
      // As root, as in many containers, Chromium runs without its sandbox or not at all.
      chromiumSandbox: getuid?.() !== 0,
      args: [
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-quic',
        '--disable-sync',
        // Below the page's requests, too: no name but the demo's is looked up.
        `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${new URL(base).hostname}`,
      ],
    })
    .catch((error) => Promise.reject(new Error(`Chromium does not start: ${error.message}`)));
}

async function open(browser, { allowed, faults, tolerated, ...options }) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 800 }, ...options });
  await context.route('**/*', (route) => {
    const url = route.request().url();
    if (allowed.includes(new URL(url).origin)) return route.continue();
    faults.add(`The page asked for ${url}.`);
    return route.abort();
  });
  await context.exposeFunction('reportViolation', (text) => faults.add(`The content policy was violated: ${text}.`));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      globalThis.reportViolation(`${event.violatedDirective}, ${event.blockedURI || 'inline'}`),
    );
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => faults.add(`A script of the page failed: ${error.message}.`));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    if (tolerated.some((pattern) => pattern.test(message.text()))) return;
    faults.add(`The console shows an error: ${message.text()}.`);
  });
  return page;
}

/** What the server tells its pages: the people of the demo, and GraphiQL's prepared operations. */
export async function told(base) {
  const [config, ways] = await Promise.all(
    ['/graphiql/config.json', '/sign-in/ways'].map(async (path) => {
      const response = await fetch(new URL(path, base));
      check(response.ok, `${path} answers ${response.status}.`);
      return response.json();
    }),
  );
  check(ways.people.length > 0, 'The server has no people to act as: run this against the demo.');
  return { ...config, ...ways };
}

/** Asks the API as one of the people of the demo. */
export async function ask(base, { token, organization }, query, variables = {}) {
  const response = await fetch(new URL('/graphql', base), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(organization && { 'guichet-organization': organization }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  check(!errors, `The API answers ${JSON.stringify(errors)}.`);
  return data;
}
