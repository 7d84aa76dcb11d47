// What people do on the request page, for every script that drives it.
import axe from 'axe-core';
import { check } from './driver.mjs';

/** How the server answers to the token of somebody who may not come any more. */
export const REFUSED = {
  status: 401,
  headers: { 'www-authenticate': 'Bearer realm="guichet", error="invalid_token", error_description="the guest is blocked"' },
  json: { errors: [{ message: 'The token is not accepted.', extensions: { code: 'UNAUTHENTICATED' } }] },
};

/** The view with this heading is there. */
export function heading(page, name) {
  return page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
}

/** Signs in as one of the people of the demo. */
export async function actAs(page, name) {
  const people = page.getByLabel('Act as');
  const value = await people.locator('option').filter({ hasText: name }).getAttribute('value');
  await people.selectOption(value);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText(/^Signed in/).waitFor();
}

export async function useToken(page, token) {
  await page.getByLabel('Access token').fill(token);
  await page.getByRole('button', { name: 'Use this token' }).click();
}

export async function signOut(page) {
  await page.getByRole('button', { name: 'Sign out' }).click();
  await heading(page, 'Sign in');
}

/** Goes on by the Tab key until this has the focus. */
export async function tabTo(page, locator) {
  const wanted = await locator.elementHandle();
  for (let pressed = 0; pressed < 100; pressed += 1) {
    if (await page.evaluate((element) => document.activeElement === element, wanted)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`The Tab key does not lead to ${locator}.`);
}

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];

/** No rule of WCAG 2.1, levels A and AA, is violated by what is shown, as far as a program can tell. */
export async function accessible(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: 'tag', values } }), RULES);
  const told = violations.map(({ id, nodes }) => `${id} (${nodes.map(({ html }) => html.slice(0, 120)).join(' ')})`);
  check(told.length === 0, `Not accessible: ${told.join('; ')}`);
}

/** Nothing is cut off, and nobody has to scroll sideways, at 320 pixels: a window of 640 at 200 %. */
export async function fitsNarrowWindows(page) {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  check(width <= 320, `At 320 pixels the page is ${width} pixels wide.`);
  await accessible(page);
  await page.setViewportSize(before);
}

/** The summary of what is wrong: these fields, and it has the focus. */
export async function summary(page, labels) {
  const box = page.getByRole('alert');
  for (const label of labels) await box.getByRole('link', { name: new RegExp(`^${label.replace('?', '\\?')}:`) }).waitFor();
  const links = await box.getByRole('link').allInnerTexts();
  check(links.length === labels.length, `The summary names ${links.join(' | ')}, where ${labels.join(', ')} are wrong.`);
  await focused(page, box, 'The summary of what is wrong does not take the focus.');
}

/** Turns to another browser tab, or back: no window of a headless browser is ever hidden. */
export function hide(page, isHidden) {
  return page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isHidden);
}

/** This gets the focus, or has it. */
export async function focused(page, locator, sentence) {
  const element = await locator.elementHandle();
  await page
    .waitForFunction((wanted) => document.activeElement === wanted, element, { timeout: 2_000 })
    .catch(() => check(false, sentence));
}
