// What goes wrong beside the request page while people use it: answers that are late or lost, somebody else who is
// quicker, sessions that end, another person at the same browser tab.
import { ask, check } from './driver.mjs';
import { actAs, focused, heading, hide, REFUSED, signOut, summary } from './request_page_steps.mjs';

const GIVEN_UP = 'Access that is given up: ';

/** `made` is what request_page_packages.mjs made; `person` gives the people of the demo. */
export async function mishaps(driver, { home, made, person }) {
  const { base, step } = driver;
  const at = (id) => `${home}#/access-packages/${id}`;
  const karim = await driver.open();
  const reason = karim.getByLabel('Why you need it');

  async function send() {
    await karim.getByRole('button', { name: 'Send the request' }).click();
  }

  await step('have no part in what somebody else typed at the same browser tab', async () => {
    // To newcomers the API gives no user, and they are told apart all the same.
    await karim.route('**/graphql', async (route) => {
      const response = await route.fetch();
      const json = await response.json();
      if (json.data?.viewer) json.data.viewer.user = null;
      await route.fulfill({ response, json });
    });
    await karim.goto(at(made.desk));
    await actAs(karim, 'Karim Benali');
    await karim.getByRole('radio', { name: 'By the manager' }).check();
    await reason.fill('Of Karim.');
    await karim.getByText(', within 14 days').waitFor();
    await endSession(karim, send);
    await actAs(karim, 'Göran Lindqvist');
    await heading(karim, made.deskName);
    check(!(await karim.getByRole('radio', { name: 'By the manager' }).isChecked()), 'A choice of somebody else is there.');
    await karim.getByRole('radio', { name: 'By the manager' }).check();
    check((await reason.inputValue()) === '', 'What somebody else typed is there.');
    await karim.getByText(', within 14 days').waitFor();
    await endSession(karim, send);
    await actAs(karim, 'Karim Benali');
    await heading(karim, made.deskName);
    check((await reason.inputValue()) === 'Of Karim.', 'What its author typed is lost.');
    await karim.getByText('Göran Lindqvist, within 14 days').waitFor();
    await karim.unroute('**/graphql');
  });

  await step('see no deciders of another policy', async () => {
    const late = await holdBack(karim, 'query Preview');
    await karim.getByRole('radio', { name: 'By nobody' }).check();
    await karim.getByRole('status').filter({ hasText: 'Loading…' }).waitFor();
    check(await karim.getByText('Göran Lindqvist').isHidden(), 'The deciders of the last policy stand under the new one.');
    await late.release();
    await karim.getByText('Nobody has to decide.').waitFor();
  });

  await step('choose a policy that is gone', async () => {
    await ask(base, person('Alice Martin'), 'mutation($id: ID!) { deleteAssignmentPolicy(input: { id: $id }) { userErrors { code } } }', {
      id: made.going,
    });
    await karim.getByRole('radio', { name: 'Going away' }).check();
    await karim.getByRole('status').filter({ hasText: 'This policy does not apply to the person.' }).waitFor();
    check(await karim.getByText('Nobody has to decide.').isHidden(), 'A policy that is gone is said to let everybody in.');
  });

  await step('stay signed in when an answer to the session before says that it is over', async () => {
    const late = await holdBack(karim, 'query Preview', REFUSED);
    await karim.getByRole('radio', { name: 'By nobody' }).check();
    await karim.getByRole('status').filter({ hasText: 'Loading…' }).waitFor();
    await signOut(karim);
    await actAs(karim, 'Göran Lindqvist');
    await late.release();
    check(await karim.getByText('Signed in as Göran Lindqvist').isVisible(), 'A late answer ends another session.');
    await signOut(karim);
    await actAs(karim, 'Karim Benali');
    await heading(karim, made.deskName);
  });

  await step('type half a date', async () => {
    await karim.getByRole('radio', { name: 'By nobody' }).check();
    const end = karim.getByLabel(/^End/);
    await end.focus();
    await karim.keyboard.type('12');
    check((await end.inputValue()) === '', 'The browser takes half a date for a whole one.');
    await karim.getByRole('button', { name: 'Send the request' }).click();
    await summary(karim, ['End']);
    check((await end.getAttribute('aria-invalid')) === 'true', 'The field is not marked as invalid.');
  });

  await step('search while the next page of another search is on its way', async () => {
    await karim.goto(`${home}#/`);
    const section = karim.getByRole('region', { name: 'What you can request' });
    await section.getByLabel('Find by name').fill(made.many);
    await section.getByText('20 of 21').waitFor();
    const late = await holdBack(karim, '"after":"');
    await section.getByRole('button', { name: /^More/ }).click();
    await section.getByLabel('Find by name').fill(made.deskName);
    await section.getByText('1 in all').waitFor();
    await late.release();
    check((await section.getByRole('listitem').count()) === 1, 'What one search finds is added to another.');
  });

  await step('search again when a search was not answered', async () => {
    const section = karim.getByRole('region', { name: 'What you can request' });
    await section.getByLabel('Find by name').fill(made.many);
    await section.getByText('20 of 21').waitFor();
    await karim.route('**/graphql', (route) => route.abort('connectionreset'));
    await section.getByLabel('Find by name').fill(made.deskName);
    await section.getByRole('alert').waitFor();
    check((await section.getByRole('listitem').count()) === 0, 'What another search found is still there.');
    await karim.unroute('**/graphql');
    await section.getByRole('button', { name: /^Try again/ }).click();
    await section.getByText('1 in all').waitFor();
  });

  const goran = await driver.open();
  await step('keep the reason of a decision when the sign-in is over', async () => {
    await karim.goto(at(made.desk));
    await karim.getByRole('radio', { name: 'In two steps' }).check();
    await karim.getByRole('button', { name: 'Send the request' }).click();
    await heading(karim, `Request for access: ${made.deskName}`);
    await goran.goto(karim.url());
    await actAs(goran, 'Göran Lindqvist');
    await goran.getByLabel('Reason').fill('A good reason.');
    await endSession(goran);
    await actAs(goran, 'Göran Lindqvist');
    check((await goran.getByLabel('Reason').inputValue()) === 'A good reason.', 'The reason is lost.');
  });

  await step('be told when somebody else decides the stage', async () => {
    const { node } = await ask(base, person('Alice Martin'), 'query($id: ID!) { node(id: $id) { ... on AccessRequest { approvals { id } } } }', {
      id: karim.url().split('/').at(-1),
    });
    await ask(
      base,
      person('Alice Martin'),
      'mutation($input: SubmitDecisionsInput!) { submitDecisions(input: $input) { userErrors { code } } }',
      { input: { selection: { items: [{ id: node.approvals[0].id, decision: 'APPROVE' }] } } },
    );
    await hide(goran, true);
    await hide(goran, false);
    await goran.getByRole('status').filter({ hasText: 'This stage was decided meanwhile' }).waitFor();
    check(await goran.getByRole('button', { name: 'Approve' }).isHidden(), 'The next stage slips under a decision.');
    check((await goran.getByLabel('Reason').inputValue()) === 'A good reason.', 'The reason is lost.');
    await goran.getByRole('button', { name: 'Go on to the next stage' }).click();
    await focused(goran, goran.getByLabel('Reason'), 'The focus is lost with the button.');
    await goran.getByRole('button', { name: 'Approve' }).click();
    await goran.getByText('Done', { exact: true }).first().waitFor();
    await goran.getByText('A good reason.').waitFor();
  });

  await step('lose the answer, and give the access up again', async () => {
    await karim.getByText('Done', { exact: true }).first().waitFor();
    await karim.getByRole('link', { name: /^From / }).click();
    await heading(karim, `Access: ${made.deskName}`);
    const other = await driver.open();
    await other.goto(karim.url());
    await actAs(other, 'Karim Benali');
    await other.getByText('Give it up').click();
    await karim.getByText('Give it up').click();
    await karim.route('**/graphql', async (route) => {
      if (!route.request().postData().includes('mutation GiveUp')) return route.continue();
      await route.fetch();
      return route.abort('connectionreset');
    });
    await karim.getByRole('button', { name: 'Give up the access' }).click();
    await karim.getByRole('alert').filter({ hasText: 'The server did not answer' }).waitFor();
    await karim.unroute('**/graphql');
    await karim.getByRole('button', { name: 'Give up the access' }).click();
    await heading(karim, `${GIVEN_UP}${made.deskName}`);
    // Where the view is older than that, why it is refused stays, and what is not possible any more goes.
    await other.getByRole('button', { name: 'Give up the access' }).click();
    await other.getByText('Give it up').waitFor({ state: 'hidden' });
    await focused(other, other.getByRole('alert').filter({ hasText: 'The access is over' }), 'The refusal has not the focus.');
    await signOut(other);
    await other.context().close();
  });

  await karim.context().close();
  await goran.context().close();
}

/** The session is found to be over when the page asks again: by itself where it does, or by `act`. */
async function endSession(page, act) {
  const refuse = (route) => route.fulfill(REFUSED);
  await page.route('**/graphql', refuse);
  await hide(page, true);
  await hide(page, false);
  await act?.();
  await heading(page, 'Sign in');
  await page.unroute('**/graphql', refuse);
}

/** Holds back the answers to calls that hold this text, until they are released; or answers so in their place. */
async function holdBack(page, text, instead) {
  let release;
  const released = new Promise((resolve) => {
    release = resolve;
  });
  const held = [];
  const answer = async (route) => {
    const late = instead ?? { response: await route.fetch() };
    await released;
    await route.fulfill(late);
  };
  const hold = (route) => {
    if (!route.request().postData()?.includes(text)) return route.fallback();
    held.push(answer(route));
    return held.at(-1);
  };
  await page.route('**/graphql', hold);
  return {
    async release() {
      release();
      await Promise.all(held);
      await page.unroute('**/graphql', hold);
      await page.waitForTimeout(200);
    },
  };
}
