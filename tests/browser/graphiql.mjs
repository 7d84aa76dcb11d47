// Drives the GraphiQL page of a running demo in headless Chromium, cut off from everything but the demo:
//   node graphiql.mjs <base-url> <chromium-path> [picture.png]
// It ends with 0, or with 1 and one plain sentence.
import { argv, exit, getuid } from 'node:process';
import { chromium } from 'playwright-core';

const [base, executablePath, picture] = argv.slice(2);
if (!base || !executablePath) stop('Usage: node graphiql.mjs <base-url> <chromium-path> [picture.png]');
const origin = new URL(base).origin;
const BAD_TOKEN = 'not.a.token';

/** What must not happen, in the order in which it was seen. */
const faults = new Set();
/** While a bad token is tried, Chromium itself reports each 401 as an error of the console. */
let refusalsExpected = false;
let operationsSent = 0;

function stop(sentence) {
  console.error(sentence);
  exit(1);
}

function check(condition, sentence) {
  if (!condition) throw new Error(sentence);
}

async function open(browser) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 800 } });
  await context.route('**/*', (route) => {
    const url = route.request().url();
    if (new URL(url).origin === origin) return route.continue();
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
  page.on('request', (request) => {
    if (request.method() === 'POST') operationsSent += 1;
  });
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    if (refusalsExpected && message.text().includes('status of 401')) return;
    faults.add(`The console shows an error: ${message.text()}.`);
  });
  return page;
}

/** The whole text of one of GraphiQL's editors. The document holds only the lines in view, so Monaco is asked. */
function text(page, editor) {
  return page.evaluate(
    (name) => globalThis.__MONACO.editor.getModels().find((model) => model.uri.path.endsWith(name))?.getValue() ?? '',
    editor,
  );
}

async function textThat(page, editor, isRight, sentence) {
  let seen = '';
  for (let attempt = 0; attempt < 100; attempt += 1) {
    seen = await text(page, editor);
    if (isRight(seen)) return seen;
    await page.waitForTimeout(100);
  }
  throw new Error(`${sentence} It shows: ${seen.slice(0, 500)}`);
}

async function run(page) {
  await page.getByRole('button', { name: /^Execute query/ }).click();
}

async function hasHint(page) {
  await page.getByRole('status').filter({ hasText: 'To begin' }).waitFor();
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  check(operationsSent === 0, 'Without a token the page must not ask the server.');
}

async function choosesPerson(page, config) {
  check(config.people.length > 0, 'The page offers no people to choose: run this against the demo.');
  await page.getByLabel('Person', { exact: true }).selectOption(config.people[0].name);
  await page.getByRole('status').waitFor({ state: 'hidden' });
  check(
    (await page.getByLabel('Token', { exact: true }).inputValue()) === config.people[0].token,
    'Choosing a person must fill in the token.',
  );
}

async function hasTabs(page, config) {
  check(config.tabs.length > 0, 'The page has no prepared operations.');
  const names = await tabNames(page);
  for (const { title, query } of config.tabs) {
    const name = /^\s*(?:query|mutation|subscription)\s+(\w+)/m.exec(query)?.[1];
    check(name, `The prepared operation "${title}" has no name, so its tab has none.`);
    check(names.includes(name), `There is no tab ${name}; there are ${names.join(', ')}.`);
  }
}

function tabNames(page) {
  return page.locator('[aria-label="Select active operation"] [role="tab"]').allInnerTexts();
}

async function runsFirstTab(page) {
  await run(page);
  const result = await textThat(page, 'response.json', (value) => value.includes('"data"'), 'The first tab has no result.');
  check(!result.includes('"errors"'), `The first tab gives errors: ${result}`);
}

async function documents(page) {
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.getByText('Root Types').waitFor();
}

async function completes(page, config) {
  const { token, organization } = config.people[0];
  const response = await fetch(new URL('/graphql', base), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(organization && { 'guichet-organization': organization }),
    },
    body: JSON.stringify({ query: '{ __schema { queryType { fields { name } } } }' }),
  });
  const [{ name }] = (await response.json()).data.__schema.queryType.fields;

  await page.getByRole('button', { name: 'New tab' }).click();
  await page.locator('.graphiql-query-editor .monaco-editor').first().click();
  await page.keyboard.type(`{ ${name.slice(0, 3)}`);
  await page.keyboard.press('Control+Space');
  const offered = page.locator('.suggest-widget .monaco-list-row').filter({ hasText: name });
  await offered.first().waitFor();
  await page.keyboard.press('Escape');
}

/** The page has its own JSON formatter in the place of GraphiQL's. */
async function prettifies(page) {
  await page.evaluate(() => {
    const models = globalThis.__MONACO.editor.getModels();
    models.find((model) => model.uri.path.endsWith('operation.graphql')).setValue('{__typename # kept\n}');
    models.find((model) => model.uri.path.endsWith('variables.json')).setValue('{"first":1 /* kept */}');
  });
  await page.getByRole('button', { name: /^Prettify query/ }).click();
  await textThat(page, 'variables.json', (value) => value === '{\n  "first": 1 /* kept */\n}', 'Variables are not tidied.');
  await textThat(page, 'operation.graphql', (value) => value === '{\n  __typename # kept\n}\n', 'The query is not tidied.');
}

async function focused(page, entry) {
  await page.waitForFunction((element) => document.activeElement === element, await entry.elementHandle());
}

async function opensPreparedOperation(page, config) {
  const { title, query, variables } = config.tabs.at(-1);
  // By keyboard alone: the last entry of the menu.
  await page.getByRole('button', { name: 'Operations' }).focus();
  await page.keyboard.press('Enter');
  const entries = page.getByRole('menuitem');
  await focused(page, entries.first());
  await page.keyboard.press('End');
  await focused(page, entries.filter({ hasText: title }).last());
  await page.keyboard.press('Enter');
  await textThat(page, 'operation.graphql', (value) => value === query, 'The menu does not open the operation.');
  await textThat(page, 'variables.json', (value) => value === (variables ?? ''), 'The menu forgets the variables.');
}

async function staysAfterReload(page, config) {
  // GraphiQL saves what is typed a moment after the last change.
  const { query, variables } = config.tabs.at(-1);
  await page.waitForFunction(
    (expected) => {
      const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{"tabs":[]}');
      const saved = ['query', 'variables'].map((key) => localStorage.getItem(`graphiql:${key}`) ?? '');
      return JSON.stringify(saved) === expected && tabs[activeTabIndex]?.query === saved[0];
    },
    JSON.stringify([query, variables ?? '']),
  );
  const before = await tabNames(page);
  const token = config.people[0].token;
  const kept = await page.evaluate(() => ({ local: JSON.stringify(localStorage), session: JSON.stringify(sessionStorage) }));
  check(!kept.local.includes(token), 'The token is in localStorage, where it would outlive the browser tab.');
  check(kept.session.includes(token), 'The token is not in sessionStorage.');

  await page.reload();
  await page.getByRole('button', { name: 'Operations' }).waitFor();
  check((await page.getByLabel('Token', { exact: true }).inputValue()) === token, 'The token is lost when the page is loaded again.');
  const after = await tabNames(page);
  check(before.join() === after.join(), `The tabs were ${before.join(', ')}; loaded again they are ${after.join(', ')}.`);
}

async function explainsRefusal(page) {
  refusalsExpected = true;
  await page.getByLabel('Token', { exact: true }).fill(BAD_TOKEN);
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: 'did not accept this token' }).waitFor();
  await run(page);
  await textThat(page, 'response.json', (value) => value.includes('UNAUTHENTICATED'), 'A bad token is not refused.');
}

const browser = await chromium
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
  .catch((error) => stop(`Chromium does not start: ${error.message}`));
let step = 'open the page';
try {
  const response = await fetch(new URL('/graphiql/config.json', base));
  check(response.ok, `/graphiql/config.json answers ${response.status}.`);
  const ways = await fetch(new URL('/sign-in/ways', base));
  check(ways.ok, `/sign-in/ways answers ${ways.status}.`);
  const config = { ...(await response.json()), people: (await ways.json()).people };
  const page = await open(browser);
  await page.goto(new URL('/graphiql', base).href);
  check((await page.title()) === 'Guichet · GraphiQL', `The title is "${await page.title()}".`);
  check(!(await page.getByText('not in this binary').isVisible()), 'The server was built without the page (see /graphiql).');
  for (const [name, act] of Object.entries({
    'see what to do without a token': hasHint,
    'choose a person': choosesPerson,
    'find the prepared tabs': hasTabs,
    'run the first tab': runsFirstTab,
    'read the documentation': documents,
    'take the picture': () => picture && page.screenshot({ path: picture }),
    'complete a field': completes,
    'tidy an operation': prettifies,
    'open a prepared operation': opensPreparedOperation,
    'load the page again': staysAfterReload,
    'be told of a bad token': explainsRefusal,
  })) {
    step = name;
    await act(page, config);
    if (faults.size > 0) break;
  }
} catch (error) {
  faults.add(error.message);
} finally {
  await browser.close();
}
if (faults.size > 0) stop(`GraphiQL failed at "${step}": ${[...faults].join(' ')}`);
console.log('GraphiQL works.');
