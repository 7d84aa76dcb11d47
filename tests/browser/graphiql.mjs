// Drives the GraphiQL page of a running demo in headless Chromium, cut off from everything but the demo:
//   node graphiql.mjs <base-url> <chromium-path> [picture.png]
// It ends with 0, or with 1 and one plain sentence.
import { ask, check, drive, told } from './driver.mjs';

const BAD_TOKEN = 'not.a.token';

let operationsSent = 0;

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

async function completes(page, config, { base }) {
  const { __schema } = await ask(base, config.people[0], '{ __schema { queryType { fields { name } } } }');
  const [{ name }] = __schema.queryType.fields;

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

async function explainsRefusal(page, config, { tolerate }) {
  tolerate(/status of 401/);
  await page.getByLabel('Token', { exact: true }).fill(BAD_TOKEN);
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: 'did not accept this token' }).waitFor();
  await run(page);
  await textThat(page, 'response.json', (value) => value.includes('UNAUTHENTICATED'), 'A bad token is not refused.');
}

await drive('graphiql.mjs', async (driver) => {
  const { base, picture } = driver;
  const config = await told(base);
  const page = await driver.open();
  page.on('request', (request) => {
    if (request.method() === 'POST') operationsSent += 1;
  });
  await driver.step('open the page', async () => {
    await page.goto(new URL('/graphiql', base).href);
    check((await page.title()) === 'Guichet · GraphiQL', `The title is "${await page.title()}".`);
    check(!(await page.getByText('not in this binary').isVisible()), 'The server was built without the page (see /graphiql).');
  });
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
    await driver.step(name, () => act(page, config, driver));
  }
  console.log('GraphiQL works.');
});
