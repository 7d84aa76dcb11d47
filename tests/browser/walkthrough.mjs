// Does the README's walk-throughs in GraphiQL, in headless Chromium, on a fresh demo:
//   node walkthrough.mjs <base-url> <chromium-path>
// It ends with 0, or with 1 and one plain sentence.
import { drive, told } from './driver.mjs';

/** The steps: who, which prepared operation, and what its result must say. */
const steps = [
  ['Hana Sato', '1 Failed requests', ({ accessRequests }) =>
    accessRequests.totalCount === 10 && accessRequests.nodes.filter(({ reprocess }) => reprocess.eligible).length === 7],
  ['Hana Sato', '2 Dry run', ({ reprocessAccessRequests: { bulkOperation } }) => bulkOperation.totalCount === 10],
  ['Hana Sato', '5 What became of each', ({ bulkOperations: { nodes: [dry] } }) =>
    dry.dryRun && dry.state === 'COMPLETED' && dry.acceptedCount === 7 && dry.rejectedCount === 3],
  ['Bruno Keller', '3 Repair the group', ({ createDirectoryGroup }) => createDirectoryGroup.directoryGroup.originId === 'oncall'],
  ['Hana Sato', '4 Reprocess all', ({ reprocessAccessRequests: { bulkOperation } }) => bulkOperation.totalCount === 10],
  ['Hana Sato', '5 What became of each', ({ bulkOperations: { nodes: [done] } }) => {
    const delivered = done.items.nodes.filter(({ target }) => target.state === 'DELIVERED');
    return !done.dryRun && done.acceptedCount === 7 && delivered.length === 7
      && done.items.nodes.filter(({ error }) => error?.code === 'REPROCESS_WINDOW_EXPIRED').length === 3;
  }],
  ['Farah Haddad', '6 Token requests', ({ tokenRequests }) =>
    tokenRequests.totalCount === 20 && new Set(tokenRequests.nodes.map(({ owner }) => owner.displayName)).size === 9],
  ['Farah Haddad', '7 Of one owner, for one repository', ({ tokenRequests }) => tokenRequests.totalCount === 3],
  ['Farah Haddad', '8 One request', ({ node }) =>
    node.review.eligible && node.permissionChanges.length === 3 && node.repositoryChanges.added[0].name === 'infrastructure'],
  ['Farah Haddad', '9 Dry run of a denial', ({ reviewTokenRequests: { bulkOperation } }) =>
    bulkOperation.acceptedCount === 2 && bulkOperation.items.nodes[2].error.code === 'ALREADY_REVIEWED'],
  ['Farah Haddad', '10 Deny with a reason', ({ reviewTokenRequests: { bulkOperation } }) =>
    bulkOperation.items.nodes.every(({ target }) => target.state === 'DENIED') && bulkOperation.acceptedCount === 2],
  ['Farah Haddad', '11 Approve the rest', ({ reviewTokenRequests: { bulkOperation } }) => bulkOperation.totalCount === 18],
  ['Farah Haddad', '12 What became of the rest', ({ bulkOperations: { nodes: [done] } }) =>
    done.decision === 'APPROVE' && done.acceptedCount === 17
      && done.items.nodes.filter(({ error }) => error?.code === 'SELF_REVIEW').length === 1],
  ['Karim Benali', '13 My tokens', ({ viewer, tokenGrants }) => {
    const bot = viewer.accessTokens.nodes.find(({ name }) => name === 'Deploy bot');
    return bot.request.state === 'DENIED' && /release pipeline/.test(bot.request.reviewReason)
      && bot.grant !== null && tokenGrants.nodes.length === 0;
  }],
  ['Karim Benali', '14 What I was told', ({ viewer: { notifications: { nodes } } }) =>
    nodes.filter(({ kind, reason }) => kind === 'TOKEN_REQUEST_DENIED' && /release pipeline/.test(reason)).length === 2
      && nodes.filter(({ kind }) => kind === 'TOKEN_REQUEST_APPROVED').length === 2],
  ['Farah Haddad', '15 Revoke a grant', ({ revokeTokenGrants: { bulkOperation } }) => bulkOperation.acceptedCount === 1],
  ['Karim Benali', '13 My tokens', ({ viewer, tokenGrants }) =>
    viewer.accessTokens.nodes.find(({ name }) => name === 'Deploy bot').grant === null
      && tokenGrants.nodes[0].endReason !== null],
  ['Karim Benali', '14 What I was told', ({ viewer: { notifications: { nodes: [newest] } } }) =>
    newest.kind === 'TOKEN_GRANT_REVOKED' && newest.reason !== null],
  ['Emil Novák', '16 The share link', ({ accessPackages: { nodes: [{ shareLink }] } }, origin) =>
    shareLink.externallyUsable && shareLink.url.startsWith(`${origin}/@contoso.example#/access-packages/pkg_`)],
  ['Wim de Vries', '17 Where a link leads', ({ viewer, shareLinkTarget: { accessPackage, applicablePolicies: [policy], blockers } }) =>
    viewer.user === null && accessPackage.displayName === 'Product launch' && blockers.length === 0
      && policy.questions.length === 2 && policy.approvalStages.length === 2],
  ['Wim de Vries', '18 Preview', ({ unanswered, answered }) =>
    !unanswered.acceptable && unanswered.userErrors.some(({ code }) => code === 'QUESTION_UNANSWERED')
      && answered.acceptable && answered.stages.map(({ approvers: [{ displayName }] }) => displayName).join() === 'Bruno Keller,Emil Novák'],
  ['Wim de Vries', '19 Request', ({ submitAccessRequest: { accessRequest } }) =>
    accessRequest.state === 'PENDING_APPROVAL' && accessRequest.requestor.kind === 'GUEST'],
  ['Emil Novák', '20 What waits for me', ({ viewer: { inbox } }) => inbox.totalCount === 0],
  ['Bruno Keller', '20 What waits for me', ({ viewer: { inbox: { nodes: [item] } } }) =>
    item.viewerCanDecide && item.subject.stage === 1 && item.subject.accessRequest.answers.length === 2],
  ['Bruno Keller', '21 Approve it', ({ submitDecisions: { bulkOperation } }) => bulkOperation.totalCount === 1],
  ['Emil Novák', '20 What waits for me', ({ viewer: { inbox: { nodes: [item] } } }) =>
    item?.subject.stage === 2 && item.subject.accessRequest.approvals[0].decidedBy.displayName === 'Bruno Keller'],
  ['Emil Novák', '21 Approve it', ({ submitDecisions: { bulkOperation } }) => bulkOperation.totalCount === 1],
  ['Wim de Vries', '22 What I have', ({ viewer: { user, accessRequests, assignments } }) =>
    user.kind === 'GUEST' && accessRequests.nodes[0].state === 'DELIVERED'
      && assignments.nodes[0].viewerCanExtend],
  ['Bruno Keller', '23 What was delivered', ({ accessRequests: { nodes: [{ deliveries: [delivery] }] }, node }) =>
    delivery.state === 'SUCCEEDED' && node.members.nodes[0].user.displayName === 'Wim de Vries'],
  ['Emil Novák', '24 Revoke it', ({ revokeAssignments: { bulkOperation } }) => bulkOperation.totalCount === 1],
  ['Wim de Vries', '22 What I have', ({ viewer: { assignments: { nodes: [{ state }] } } }) => state === 'ENDED'],
  ['Bruno Keller', '23 What was delivered', ({ node }) => node.members.nodes.length === 0],
  ['Göran Lindqvist', 'Decisions that wait', ({ viewer: { pendingApprovals: { totalCount, nodes } } }) =>
    totalCount === 2 && nodes.every(({ accessRequest }) => accessRequest.review.eligible)],
  ['Göran Lindqvist', 'Approve them', ({ reviewAccessRequests: { bulkOperation } }) => bulkOperation.totalCount === 2],
  ['Göran Lindqvist', 'Decisions that wait', ({ viewer: { pendingApprovals } }) => pendingApprovals.totalCount === 0],
];

function model(page, name) {
  return page.evaluate(
    (end) => globalThis.__MONACO.editor.getModels().find((found) => found.uri.path.endsWith(end))?.getValue() ?? '',
    name,
  );
}

async function choose(page, config, person) {
  await page.getByLabel('Person', { exact: true }).selectOption(person);
  const { token } = config.people.find(({ name }) => name === person);
  await page.waitForFunction((wanted) => document.querySelector('#token').value === wanted, token);
}

async function run(page, config, [person, title, isRight]) {
  await choose(page, config, person);
  await page.getByRole('button', { name: 'Operations' }).click();
  await page.getByRole('menuitem').filter({ hasText: title }).click();
  const { query } = config.tabs.find((tab) => tab.title === title);
  for (let seen = ''; seen !== query; seen = await model(page, 'operation.graphql')) await page.waitForTimeout(50);
  let seen = '';
  // Work goes on in the background: the result is read again until it is there.
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const answered = page.waitForResponse((response) => response.url().endsWith('/graphql') && response.request().postData()?.includes(query.match(/(query|mutation) (\w+)/)[2]));
    await page.getByRole('button', { name: /^Execute query/ }).click();
    seen = await (await answered).text();
    const { data, errors } = JSON.parse(seen);
    if (!errors && data && isRight(data, new URL(page.url()).origin)) return;
    // GraphiQL names the operation that it saw last, until it has read the new text: nothing was executed.
    if (errors?.[0].message.startsWith('`operationName`')) {
      await page.waitForTimeout(100);
      continue;
    }
    if (query.includes('mutation ')) break;
    await page.waitForTimeout(250);
  }
  throw new Error(`as ${person}, "${title}" answers ${seen.slice(0, 600)}`);
}

await drive('walkthrough.mjs', async (driver) => {
  const config = await told(driver.base);
  const page = await driver.open();
  await driver.step('open the page', async () => {
    await page.goto(new URL('/graphiql', driver.base).href);
    await page.getByRole('button', { name: 'Operations' }).waitFor();
  });
  for (const [person, title, isRight] of steps) {
    await driver.step(`${person}: ${title}`, () => run(page, config, [person, title, isRight]));
  }
  console.log('The walk-throughs work in GraphiQL.');
});
