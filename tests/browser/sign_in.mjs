// Signs people in at the pages of a server with real issuers and a real mail server, in headless Chromium, cut off from
// everything but these:
//   node sign_in.mjs <guichet> <chromium-path> <folder with oidc and smtp> [database-url]
// It ends with 0, or with 1 and one plain sentence.
import { argv } from 'node:process';
import { check, run, stop } from './driver.mjs';
import { accessible, heading, signOut } from './request_page_steps.mjs';
import { start } from './world.mjs';

const [binary, executablePath, peers, databaseUrl] = argv.slice(2);
if (!peers) stop('Usage: node sign_in.mjs <guichet> <chromium-path> <folder with oidc and smtp> [database-url]');
const world = await start(binary, peers, databaseUrl).catch((error) => stop(error.message));
const { base, link } = world;

/** What the issuer shows. */
async function atIssuer(page, name) {
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function atOwnIssuer(page, issuer, name) {
  await page.getByRole('button', { name: `Sign in with ${issuer}` }).click();
  await atIssuer(page, name);
}

async function asks(page) {
  await page.getByRole('button', { name: 'Send the request' }).click();
  await heading(page, 'Request for access: Shared designs');
  await page.getByText('Waits for a decision').first().waitFor();
}

async function signIn(driver) {
  const { step } = driver;
  const paula = await driver.open();

  await step('open a share link and see how to sign in', async () => {
    await paula.goto(link);
    await heading(paula, 'Sign in');
    // The organization's own issuer stands first.
    const names = await paula.getByRole('button', { name: /^Sign in with/ }).allInnerTexts();
    check(names.join() === 'Sign in with Contoso,Sign in with Adatum', `The ways are ${names.join()}.`);
    await paula.getByLabel('Your e-mail address').waitFor();
    await accessible(paula);
  });

  await step('leave for the issuer, and not want to', async () => {
    await paula.getByRole('button', { name: 'Sign in with Adatum' }).click();
    await paula.getByRole('button', { name: 'Cancel' }).click();
    await heading(paula, 'You are not signed in');
    await paula.getByRole('alert').filter({ hasText: 'cancelled, or not allowed' }).waitFor();
    check(paula.url() === `${base}/sign-in/from/adatum`, `What the issuer said stays in the address: ${paula.url()}.`);
    await accessible(paula);
    await paula.getByRole('link', { name: 'Back' }).click();
    await heading(paula, 'Sign in');
    check(paula.url() === link, `The way back leads to ${paula.url()}.`);
  });

  await step('sign in at the issuer, and come back to the package', async () => {
    await atOwnIssuer(paula, 'Adatum', 'paula');
    await heading(paula, 'Shared designs');
    check(paula.url() === link, `The way back leads to ${paula.url()}.`);
    await paula.getByText('Signed in').waitFor();
    const kept = await paula.evaluate(() => ({ local: JSON.stringify(localStorage), session: JSON.stringify(sessionStorage) }));
    check(kept.local === '{}', `Something is kept beyond the browser tab: ${kept.local}`);
    check(!kept.session.includes('verifier'), 'What the sign-in needed is still there after it.');
  });

  await step('request the package', () => asks(paula));

  await step('refuse an answer that nobody here asked for', async () => {
    const other = await driver.open();
    await other.goto(`${base}/sign-in/from/adatum?code=stolen&state=made-up`);
    await other.getByRole('alert').filter({ hasText: 'did not ask to sign in' }).waitFor();
    await other.goto(link);
    await other.getByRole('button', { name: 'Sign in with Adatum' }).click();
    await other.getByLabel('Name').waitFor();
    await other.goto(`${base}/sign-in/from/adatum?code=stolen&state=made-up`);
    await other.getByRole('alert').filter({ hasText: 'does not belong to this sign-in' }).waitFor();
    // Nor what another issuer sends, though the one that was asked told it the state.
    for (const elsewhere of [`${base}/sign-in/from/contoso?`, `${base}/sign-in/from/adatum?iss=${world.issuers[0]}&`]) {
      await other.getByRole('link', { name: 'Back' }).click();
      await other.getByRole('button', { name: 'Sign in with Adatum' }).click();
      await other.getByLabel('Name').waitFor();
      await other.goto(link);
      const { state } = JSON.parse(await other.evaluate(() => sessionStorage.getItem('guichet:sign-in')));
      await other.goto(`${elsewhere}code=of-contoso&state=${state}`);
      await other.getByRole('alert').filter({ hasText: 'does not belong to this sign-in' }).waitFor();
    }
    // Each of these tries is over, and the next one good.
    await other.getByRole('link', { name: 'Back' }).click();
    await atOwnIssuer(other, 'Adatum', 'paula');
    await heading(other, 'Shared designs');
    await other.context().close();
  });

  await step('decide as a member, signed in at the own issuer', async () => {
    const mara = await driver.open();
    await mara.goto(paula.url());
    await atOwnIssuer(mara, 'Contoso', 'mara');
    await mara.getByText('Signed in as Mara Meier').waitFor();
    await mara.getByRole('button', { name: 'Approve' }).click();
    await mara.getByText('Done', { exact: true }).first().waitFor();
    await mara.context().close();
  });

  await step('see that it was delivered', async () => {
    await paula.getByText('Done', { exact: true }).first().waitFor();
    await signOut(paula);
    // The issuer knows her still, and asks all the same: the next one at this window may be somebody else.
    await atOwnIssuer(paula, 'Adatum', 'paula');
    await paula.getByText('Done', { exact: true }).first().waitFor();
  });

  await step('sign in by a code that is mailed', async () => {
    const rita = await driver.open();
    await rita.goto(link);
    await rita.getByLabel('Your e-mail address').fill('rita@fabrikam.example');
    await rita.getByRole('button', { name: 'Send me a code' }).click();
    const field = rita.getByLabel('The 8 digits of the mail');
    await field.waitFor();
    check(await field.evaluate((element) => document.activeElement === element), 'The field for the code has not the focus.');
    await accessible(rita);
    driver.tolerate(/status of 403/);
    const code = await world.code('rita@fabrikam.example');
    await field.fill(code.startsWith('0') ? '11111111' : '00000000');
    await rita.getByRole('button', { name: 'Sign in', exact: true }).click();
    await rita.getByRole('alert').filter({ hasText: 'not the newest code' }).waitFor();
    await field.fill(code);
    await rita.keyboard.press('Enter');
    await heading(rita, 'Shared designs');
    await asks(rita);
    await rita.context().close();
  });

  await step('sign in to GraphiQL', async () => {
    const ada = await driver.open();
    await ada.goto(`${base}/graphiql`);
    await ada.getByRole('status').filter({ hasText: 'To begin' }).waitFor();
    await ada.getByRole('button', { name: 'Sign in…' }).click();
    await atOwnIssuer(ada, 'Contoso', 'ada');
    await ada.waitForURL(`${base}/graphiql`);
    const token = ada.getByLabel('Token', { exact: true });
    await token.waitFor();
    check((await token.inputValue()).split('.').length === 3, 'There is no token after the sign-in.');
    await ada.locator('.graphiql-query-editor .view-line').first().waitFor();
    // The first of the prepared operations: there are no failed requests.
    await ada.getByRole('button', { name: /^Execute query/ }).click();
    await ada.locator('.result-window').filter({ hasText: '"totalCount": 0' }).waitFor();
    await ada.context().close();
  });

  await step('sign in to GraphiQL by a code', async () => {
    const rita = await driver.open();
    await rita.goto(`${base}/graphiql`);
    await rita.getByLabel('Organization').fill('contoso.example');
    await rita.getByRole('button', { name: 'Sign in…' }).click();
    await rita.getByLabel('Your e-mail address').fill('sam@fabrikam.example');
    await rita.keyboard.press('Enter');
    await rita.getByLabel('The 8 digits of the mail').fill(await world.code('sam@fabrikam.example'));
    await rita.keyboard.press('Enter');
    await rita.getByRole('dialog').waitFor({ state: 'hidden' });
    check((await rita.getByLabel('Token', { exact: true }).inputValue()).split('.').length === 3, 'There is no token.');
    await rita.context().close();
  });
}

const failure = await run({ script: 'sign_in.mjs', base, executablePath, origins: world.issuers }, signIn).then(
  () => null,
  (error) => error,
);
await world.stop();
if (failure) stop(failure.message);
console.log('People sign in.');
