// Drives the request page of a running demo in headless Chromium, cut off from everything but the demo:
//   node request_page.mjs <base-url> <chromium-path>
// It ends with 0, or with 1 and one plain sentence. What it needs it makes by the API, as an administrator.
import { check, drive, told } from './driver.mjs';
import { mishaps } from './request_page_mishaps.mjs';
import { makePackages } from './request_page_packages.mjs';
import {
  accessible,
  actAs,
  fitsNarrowWindows,
  focused,
  heading,
  hide,
  REFUSED,
  signOut,
  summary,
  tabTo,
  useToken,
} from './request_page_steps.mjs';

await drive('request_page.mjs', async (driver) => {
  const { base, step } = driver;
  const config = await told(base);
  const person = (name) => config.people.find((person) => person.name === name);
  const made = await step('make packages', () => makePackages(base, person('Alice Martin')));
  const home = new URL('/@contoso.example', base).href;
  const karim = await driver.open({ locale: 'de-CH' });
  const at = (id) => `${home}#/access-packages/${id}`;

  await step('be asked to sign in', async () => {
    await karim.goto(at(made.asking));
    await heading(karim, 'Sign in');
    check((await karim.title()) === 'Sign in · contoso.example', `The title is "${await karim.title()}".`);
    await accessible(karim);
  });

  await step('be told of a bad token', async () => {
    driver.tolerate(/status of 401/);
    await useToken(karim, '');
    await karim.getByText('Paste a token first.').waitFor();
    await useToken(karim, 'not.a.token');
    await karim.getByRole('alert').filter({ hasText: 'did not accept your sign-in' }).waitFor();
    await heading(karim, 'Sign in');
  });

  await step('sign in with a token', async () => {
    await useToken(karim, `Bearer ${person('Karim Benali').token}\n`);
    await heading(karim, made.name);
    await karim.getByText('Signed in as Karim Benali').waitFor();
    check((await karim.title()) === `${made.name} · Contoso`, `The title is "${await karim.title()}".`);
  });

  await step('see the package', async () => {
    await karim.getByText('Frontend engineers: member').waitFor();
    await accessible(karim);
    check(await karim.getByLabel('Welches Ticket?').isHidden(), 'Questions are asked before a policy is chosen.');
  });

  await step('send nothing, and be told what is missing', async () => {
    await karim.getByRole('button', { name: 'Send the request' }).click();
    await summary(karim, ['How you get it']);
    await karim.getByRole('radio', { name: 'For a project' }).check();
    await karim.getByText('Göran Lindqvist, within 14 days').waitFor();
    await karim.getByText('90 days after its start').waitFor();
    await karim.getByRole('button', { name: 'Send the request' }).click();
    await summary(karim, ['Welches Ticket?', 'Why you need it', 'An welchem Ort?']);
    await accessible(karim);
  });

  const ticket = () => karim.getByRole('textbox', { name: 'Welches Ticket?' });

  await step('answer wrongly, and be told by the field', async () => {
    check((await karim.locator('label:has-text("Welches Ticket?")').getAttribute('lang')) === 'de', 'A German question is not marked so.');
    await ticket().click();
    await karim.keyboard.type('seven');
    check((await ticket().inputValue()) === 'seven', 'The summary takes the focus from those who type.');
    await karim.getByRole('radio', { name: 'Nord' }).check();
    await karim.getByRole('checkbox', { name: 'Nacht' }).check();
    await karim.getByLabel('Why you need it').fill('To try <b>things</b> out.\nSoon.');
    await karim.getByLabel(/^End/).fill('2020-01-01T10:00');
    await karim.getByRole('button', { name: 'Send the request' }).click();
    await summary(karim, ['Welches Ticket?', 'End']);
    await karim.getByRole('link', { name: /^Welches Ticket/ }).click();
    await focused(karim, ticket(), 'A link of the summary does not lead to its field.');
    check((await ticket().getAttribute('aria-invalid')) === 'true', 'The field is not marked as invalid.');
    await ticket().and(karim.locator('[aria-describedby$="-error"]')).waitFor();
    check(new URL(karim.url()).hash.startsWith('#/access-packages/'), 'A link of the summary leaves the view.');
    check(await karim.getByRole('checkbox', { name: 'Nacht' }).isChecked(), 'What was chosen is lost.');
  });

  await step('load the page again without losing what was typed', async () => {
    await karim.reload();
    await heading(karim, made.name);
    check((await ticket().inputValue()) === 'seven', 'What was typed is lost when the page is loaded again.');
    check(await karim.getByRole('radio', { name: 'Nord' }).isChecked(), 'What was chosen is lost when the page is loaded again.');
  });

  await step('fit narrow windows, and dark screens', async () => {
    await fitsNarrowWindows(karim);
    await karim.emulateMedia({ colorScheme: 'dark' });
    await accessible(karim);
    await karim.emulateMedia({ colorScheme: 'light' });
  });

  await step('put right what was wrong', async () => {
    await ticket().fill('OPS-7');
    await karim.getByLabel(/^End/).fill('');
  });

  await step('keep what was typed when the sign-in is over', async () => {
    await karim.route('**/graphql', (route) => route.fulfill(REFUSED));
    await karim.getByRole('button', { name: 'Send the request' }).click();
    await karim.getByRole('alert').filter({ hasText: 'were blocked' }).waitFor();
    await karim.unroute('**/graphql');
    await actAs(karim, 'Karim Benali');
    await heading(karim, made.name);
    check((await ticket().inputValue()) === 'OPS-7', 'What was typed is lost.');
  });

  await step('lose the answer, and send the request again', async () => {
    // The server makes the request, and its answer does not arrive.
    driver.tolerate(/ERR_CONNECTION_RESET/);
    await karim.route('**/graphql', async (route) => {
      if (!route.request().postData().includes('mutation Submit')) return route.continue();
      await route.fetch();
      return route.abort('connectionreset');
    });
    await karim.getByRole('button', { name: 'Send the request' }).click();
    await karim.getByRole('alert').filter({ hasText: 'The server did not answer' }).waitFor();
    await focused(karim, karim.getByRole('alert'), 'What went wrong does not take the focus.');
    check((await ticket().inputValue()) === 'OPS-7', 'What was typed is lost.');
    await karim.unroute('**/graphql');
    await karim.getByRole('button', { name: 'Send the request' }).click();
    await heading(karim, `Request for access: ${made.name}`);
  });

  await step('see the request', async () => {
    await karim.getByText('Waits for a decision').first().waitFor();
    await karim.getByText('To try <b>things</b> out.').waitFor();
    await karim.getByText('Göran Lindqvist').waitFor();
    await karim.getByText('Nord').waitFor();
    await accessible(karim);
    await fitsNarrowWindows(karim);
  });

  await step('see on the package that it is asked for', async () => {
    await karim.getByRole('link', { name: made.name, exact: true }).click();
    await heading(karim, made.name);
    await focused(karim, karim.getByRole('heading', { level: 1 }), 'The heading of a new view does not take the focus.');
    await karim.getByRole('link', { name: 'You have asked for it already.' }).waitFor();
    check(await karim.getByRole('button', { name: 'Send the request' }).isHidden(), 'It can be asked for twice.');
    await accessible(karim);
    await karim.goBack();
    await heading(karim, `Request for access: ${made.name}`);
  });

  const goran = await driver.open();
  await step('find it as its approver', async () => {
    await goran.goto(home);
    await actAs(goran, 'Göran Lindqvist');
    await heading(goran, 'Access');
    await hasLists(goran);
    await accessible(goran);
    await fitsNarrowWindows(goran);
    await goran.getByRole('link', { name: `Karim Benali: ${made.name}`, exact: true }).click();
    await heading(goran, `Request for access: ${made.name}`);
    await goran.getByText('OPS-7').waitFor();
  });

  await step('approve only with a reason', async () => {
    await goran.getByRole('button', { name: 'Approve' }).click();
    await summary(goran, ['Reason']);
    await accessible(goran);
    await hide(karim, true);
    await decide(goran, 'Approve', 'Good luck.');
  });

  await step('ask nothing while nobody looks', async () => {
    await karim.waitForTimeout(5_000);
    check(await karim.getByText('Good luck.').isHidden(), 'A hidden page asks the server.');
    await hide(karim, false);
  });

  await step('be told of the decision without asking again', async () => {
    await karim.getByText('Done', { exact: true }).first().waitFor();
    await karim.getByText('Good luck.').waitFor();
    await karim.getByRole('status').filter({ hasText: 'This changed' }).waitFor();
    await karim.getByRole('heading', { name: 'What is given' }).waitFor();
    await accessible(karim);
  });

  await step('see the access, and keep it longer', async () => {
    await karim.getByRole('link', { name: /^From .* until / }).click();
    await heading(karim, `Access: ${made.name}`);
    await karim.getByText('In force').waitFor();
    await karim.getByText('Keep it longer').click();
    await accessible(karim);
    await karim.getByRole('button', { name: 'Ask to keep it' }).click();
    await summary(karim, ['Why you need it longer']);
    await karim.getByLabel('Why you need it longer').fill('It is not finished.');
    await karim.getByRole('button', { name: 'Ask to keep it' }).click();
    await heading(karim, `Request to keep access longer: ${made.name}`);
  });

  await step('cancel that', async () => {
    await goran.goto(karim.url());
    await heading(goran, `Request to keep access longer: ${made.name}`);
    await goran.getByLabel('Reason').fill('Well.');
    await hide(goran, true);
    await karim.getByText('Cancel this request').click();
    await accessible(karim);
    await karim.getByLabel(/^Why/).fill('It is finished.');
    await karim.getByRole('button', { name: 'Cancel the request' }).click();
    await karim.getByText('Cancelled', { exact: true }).first().waitFor();
    await karim.getByText('It is finished.').waitFor();
  });

  await step('decide on what was cancelled meanwhile, and be told so', async () => {
    await goran.getByRole('button', { name: 'Approve' }).click();
    await goran.getByRole('button', { name: 'Approve' }).waitFor({ state: 'hidden' });
    await goran.getByRole('alert').filter({ hasText: 'The request was withdrawn meanwhile.' }).waitFor();
    await focused(goran, goran.getByRole('alert'), 'Why it was not decided does not have the focus.');
    await hide(goran, false);
  });

  await step('be denied it', async () => {
    await karim.goBack();
    await heading(karim, `Access: ${made.name}`);
    await karim.getByText('Keep it longer').click();
    await karim.getByLabel('Why you need it longer').fill('It is not finished after all.');
    await karim.getByRole('button', { name: 'Ask to keep it' }).click();
    await heading(karim, `Request to keep access longer: ${made.name}`);
    await goran.goto(new URL(karim.url()).href);
    await heading(goran, `Request to keep access longer: ${made.name}`);
    await decide(goran, 'Deny', 'It is needed elsewhere.');
    await karim.getByText('Denied: It is needed elsewhere.').waitFor();
    await accessible(karim);
  });

  await step('give the access up', async () => {
    await karim.getByRole('link', { name: /^From .* until / }).click();
    await heading(karim, `Access: ${made.name}`);
    await karim.getByText('Give it up').click();
    await karim.getByRole('button', { name: 'Give up the access' }).click();
    await heading(karim, `Access that is given up: ${made.name}`);
    await karim.getByText('Done', { exact: true }).first().waitFor();
  });

  await step('find packages by name', async () => {
    await karim.getByRole('link', { name: 'Contoso', exact: true }).click();
    await heading(karim, 'Access');
    const section = karim.getByRole('region', { name: 'What you can request' });
    await section.getByLabel('Find by name').fill('no such thing');
    await section.getByText('No package has that in its name.').waitFor();
    await section.getByLabel('Find by name').fill(made.name.slice(1).toUpperCase());
    await section.getByText('1 in all').waitFor();
    await section.getByRole('link', { name: made.name, exact: true }).waitFor();
    await accessible(karim);
    await section.getByLabel('Find by name').fill(made.many);
    await section.getByText('20 of 21').waitFor();
    await section.getByRole('button', { name: 'More: packages that you can request' }).click();
    await section.getByText('21 in all').waitFor();
    await focused(karim, section.getByRole('link').last(), 'The focus is lost when there is no more.');
  });

  await step('ask for a package by keyboard alone', async () => {
    await karim.reload();
    await heading(karim, 'Access');
    await tabTo(karim, karim.getByLabel('Find by name'));
    await karim.keyboard.type(made.quick);
    await karim.getByRole('region', { name: 'What you can request' }).getByText('1 in all').waitFor();
    await tabTo(karim, karim.getByRole('link', { name: made.quick, exact: true }));
    await karim.keyboard.press('Enter');
    await heading(karim, made.quick);
    await karim.getByText('Nobody has to decide.').waitFor();
    await tabTo(karim, karim.getByLabel(/^Why you need it/));
    await karim.keyboard.type('By keyboard.');
    await tabTo(karim, karim.getByRole('button', { name: 'Send the request' }));
    await karim.keyboard.press('Enter');
    await heading(karim, `Request for access: ${made.quick}`);
    await karim.getByText('By keyboard.').waitFor();
    await karim.getByText('Done', { exact: true }).first().waitFor();
  });

  await mishaps(driver, { home, made, person });

  await step('need a link with a secret', async () => {
    await karim.goto(at(made.locked));
    await heading(karim, made.lockedName);
    await karim.getByText('It can only be requested by a link with a secret').waitFor();
    check(await karim.getByRole('button', { name: 'Send the request' }).isHidden(), 'It can be asked for without a link.');
    await accessible(karim);
    await karim.goto(`${home}#${made.signedLink.split('#')[1]}`);
    await heading(karim, made.lockedName);
    await karim.getByRole('button', { name: 'Send the request' }).click();
    await heading(karim, `Request for access: ${made.lockedName}`);
  });

  await step('follow links that lead nowhere', async () => {
    for (const [link, title] of [
      [at(`${made.asking}#${made.asking}`), 'This link leads nowhere'],
      [at('pkg_01h455vb4pex5vsknk084sn02q'), 'This link leads nowhere'],
      [`${home}#/something-else`, 'This link leads nowhere'],
      [`${home}#/access-requests/req_01h455vb4pex5vsknk084sn02q`, 'There is no such request'],
      [`${home}#/assignments/x`, 'There is no such assignment'],
      [`${home}#/access-tokens/tok_01h455vb4pex5vsknk084sn02q`, 'Access tokens'],
      [`${home}#/token-requests?state=PENDING`, 'What access tokens ask for'],
      [`${home}#/notifications/preferences`, 'What you want to be told'],
    ]) {
      await karim.goto(link);
      await heading(karim, title);
      await accessible(karim);
    }
  });

  await step('sign out', async () => {
    await signOut(karim);
    await heading(karim, 'Sign in');
    const kept = await karim.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    check(!kept.includes(person('Karim Benali').token), 'The token is still there after signing out.');
  });

  await step('be nobody at the organization of others', async () => {
    await actAs(karim, 'Mila Rossi');
    await karim.goto(at(made.asking));
    await heading(karim, 'This link leads nowhere');
    await karim.goto(`${home}#/`);
    await heading(karim, 'Access');
    await hasLists(karim);
    await signOut(karim);
  });

  await step('look for an organization that is not there', async () => {
    driver.tolerate(/status of 400/);
    await karim.goto(new URL('/@nobody.example', base).href);
    await actAs(karim, 'Karim Benali');
    await karim.getByRole('alert').filter({ hasText: 'There is no organization “nobody.example” here.' }).waitFor();
    await accessible(karim);
  });

  await step('mistype the address to which a code goes', async () => {
    // The demo has no mail server: what Guichet would answer comes from here. sign_in.mjs does it with a real one.
    const partner = await driver.open({ viewport: { width: 320, height: 640 } });
    const ways = { public_url: config.public_url, people: [], email: true, issuers: [] };
    await partner.route('**/sign-in/ways?*', (route) => route.fulfill({ json: ways }));
    await partner.route('**/sign-in/codes', (route) => route.fulfill({ status: 202, json: { expires_in: 600 } }));
    await partner.goto(at(made.asking));
    const address = partner.getByLabel('Your e-mail address');
    await address.fill('paula@fabrikam.exmaple');
    await partner.keyboard.press('Enter');
    await focused(partner, partner.getByLabel('The 8 digits of the mail'), 'The code does not take the focus.');
    await partner.getByRole('button', { name: 'Another address' }).click();
    await focused(partner, address, 'The address does not take the focus again.');
    check(await partner.getByLabel('Access token').isHidden(), 'Outside of a demo a token can be pasted.');
  });

  await step('be led to the public address, to which issuers send people back', async () => {
    const lost = await driver.open();
    const issuers = [{ issuer: 'https://issuer.example', name: 'Example' }];
    const ways = { public_url: 'https://guichet.example/access', people: [], email: false, issuers };
    await lost.route('**/sign-in/ways?*', (route) => route.fulfill({ json: ways }));
    await lost.goto(at(made.asking));
    const href = await lost.getByRole('link', { name: ways.public_url }).getAttribute('href');
    check(href === `${ways.public_url}/@contoso.example#/access-packages/${made.asking}`, `The link leads to ${href}.`);
    check(await lost.getByRole('button', { name: 'Sign in with Example' }).isHidden(), 'People can leave from the wrong address.');
    await accessible(lost);
  });

  await step('come back from an issuer without having been sent there', async () => {
    await karim.goto(new URL('/sign-in/from/nobody?code=x&state=y', base).href);
    await heading(karim, 'You are not signed in');
    check(!karim.url().includes('code='), 'The code stays in the address.');
    await accessible(karim);
  });

  console.log('The request page works.');
});

/** The lists of the first view say how much they hold. */
async function hasLists(page) {
  for (const name of ['Waits for your decision', 'What you can request', 'Your requests', 'What you have']) {
    const status = page.getByRole('region', { name }).getByRole('status');
    await status.filter({ hasText: /^\d+ in all$|^\d+ of \d+$|^(Nothing|There is nothing|You have) / }).waitFor();
  }
  check((await page.getByRole('alert').count()) === 0, 'A list is not answered.');
}

/** Decides the stage that waits, with a reason. */
async function decide(page, decision, reason) {
  await page.getByLabel('Reason').fill(reason);
  await page.getByRole('button', { name: decision, exact: true }).click();
  await page.getByRole('button', { name: decision, exact: true }).waitFor({ state: 'hidden' });
  await page.getByText(reason).first().waitFor();
}
