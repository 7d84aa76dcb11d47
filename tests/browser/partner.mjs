// Does the README's walk-through of the partner on the request page, in headless Chromium, on a fresh demo, or one in
// which the partner has no access any more:
//   node partner.mjs <base-url> <chromium-path> [picture.png]
// It ends with 0, or with 1 and one plain sentence.
import { ask, check, drive, told } from './driver.mjs';
import { accessible, actAs, heading, signOut } from './request_page_steps.mjs';

const LINK = '{ accessPackages(filter: { search: "Product launch" }) { nodes { shareLink { url } } } }';

await drive('partner.mjs', async ({ base, picture, open, step }) => {
  const { people } = await told(base);
  const emil = people.find(({ name }) => name === 'Emil Novák');
  const link = (await ask(base, emil, LINK)).accessPackages.nodes[0].shareLink.url;
  check(link.startsWith(`${base}/@contoso.example#`), `The link leads elsewhere: ${link}`);
  const page = await open();

  await step('open the link as the partner', async () => {
    await page.goto(link);
    await heading(page, 'Sign in');
    await actAs(page, 'Wim de Vries');
    await heading(page, 'Product launch');
    await page.getByText('Bruno Keller').waitFor();
    await accessible(page);
  });

  await step('answer and send the request', async () => {
    await page.getByLabel('The number of your contract').fill('C-2041');
    await page.getByRole('radio', { name: 'Europe' }).check();
    await page.getByLabel('Why you need it').fill('I draw the pictures of the machines.');
    if (picture) await pictureOf(page, picture);
    await page.getByRole('button', { name: 'Send the request' }).click();
    await heading(page, 'Request for access: Product launch');
    await page.getByText('Waits for a decision').first().waitFor();
  });

  const request = page.url();
  for (const approver of ['Bruno Keller', 'Emil Novák']) {
    await step(`approve as ${approver}`, async () => {
      await signOut(page);
      await actAs(page, approver);
      await page.goto(`${base}/@contoso.example#/`);
      await page.getByRole('link', { name: 'Product launch' }).first().click();
      await heading(page, 'Request for access: Product launch');
      check(page.url() === request, `What waits is another request: ${page.url()}.`);
      await page.getByRole('button', { name: 'Approve' }).click();
      await page.getByRole('button', { name: 'Approve' }).waitFor({ state: 'detached' });
    });
  }

  await step('see what was delivered as the partner', async () => {
    await signOut(page);
    await actAs(page, 'Wim de Vries');
    await heading(page, 'Request for access: Product launch');
    await page.getByText('Done', { exact: true }).first().waitFor();
    await accessible(page);
  });
});
/** The whole view, in a window that it fills. */
async function pictureOf(page, path) {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 800, height: 800 });
  await page.evaluate(() => {
    document.activeElement.blur();
    scrollTo(0, 0);
  });
  await page.screenshot({ path, fullPage: true });
  await page.setViewportSize(before);
}

console.log('The partner gets in.');
