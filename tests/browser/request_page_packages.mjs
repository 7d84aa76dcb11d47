// The packages that the request page is tried with.
import { ask, check } from './driver.mjs';

/**
 * A package with two policies, one that nobody decides, one behind a signed link, one with policies that change, and more
 * of a kind than a page shows.
 */
export async function makePackages(base, administrator) {
  const mutate = async (name, selection, input) => {
    const type = `${name[0].toUpperCase()}${name.slice(1)}Input`;
    const query = `mutation($input: ${type}!) { ${name}(input: $input) { ${selection} userErrors { code message field } } }`;
    const { [name]: payload } = await ask(base, administrator, query, { input });
    check(payload.userErrors.length === 0, `${name} is refused: ${JSON.stringify(payload.userErrors)}`);
    return payload;
  };
  const { model, people, before } = await ask(
    base,
    administrator,
    `{
      model: accessPackages(first: 1, filter: { search: "Frontend engineer" }) { nodes { catalog { id } resourceRoles { id } } }
      people: users(first: 100) { nodes { id displayName } }
      before: accessPackages(first: 0, filter: { search: "Test stand" }) { totalCount }
    }`,
  );
  const [{ catalog, resourceRoles }] = model.nodes;
  // On a demo that the script has run on before, names of their own.
  const mark = before.totalCount === 0 ? '' : ` ${Date.now().toString(36)}`;

  async function make(displayName, description, policies) {
    const made = await mutate('createAccessPackage', 'accessPackage { id }', {
      catalog: catalog.id,
      displayName,
      description,
      resourceRoles: resourceRoles.map(({ id }) => id),
    });
    const accessPackage = made.accessPackage.id;
    const ids = [];
    for (const policy of policies) {
      const input = { accessPackage, requestorScope: 'ALL_MEMBERS', ...policy };
      const { assignmentPolicy } = await mutate('createAssignmentPolicy', 'assignmentPolicy { id }', input);
      ids.push(assignmentPolicy.id);
    }
    return { accessPackage, policies: ids };
  }

  const text = (english, german) => ({ default: english, translations: [{ language: 'de', text: german }] });
  const choice = (value, english, german) => ({ value, text: text(english, german) });
  const name = `Test stand${mark}`;
  const { accessPackage: asking } = await make(name, 'The stand where front ends are tried out, with its tools.', [
    {
      displayName: 'For a project',
      description: 'As long as the project lasts; your manager decides.',
      expiration: { afterDuration: 'P90D' },
      extension: 'WITH_APPROVAL',
      justificationRequired: true,
      approvalStages: [{ approvers: [{ manager: true }], approversVisible: true, justificationRequired: true }],
      questions: [
        { key: 'ticket', required: true, text: text('Which ticket?', 'Welches Ticket?'), answer: { text: { pattern: '[A-Z]+-[0-9]+' } } },
        {
          key: 'site',
          required: true,
          text: text('At which site?', 'An welchem Ort?'),
          answer: { choice: { choices: [choice('north', 'North', 'Nord'), choice('south', 'South', 'Süd')] } },
        },
        {
          key: 'shifts',
          text: text('In which shifts?', 'In welchen Schichten?'),
          answer: { choice: { several: true, choices: [choice('day', 'Day', 'Tag'), choice('night', 'Night', 'Nacht')] } },
        },
      ],
    },
    { displayName: 'For a visit', description: 'A day; nobody decides.', expiration: { afterDuration: 'P1D' }, customSchedule: false },
  ]);
  const quick = `Quick look${mark}`;
  await make(quick, 'To look, for a week.', [{ displayName: 'Everybody here', expiration: { afterDuration: 'P7D' } }]);
  const lockedName = `Locked room${mark}`;
  const { accessPackage: locked } = await make(lockedName, 'By a link with a secret.', [
    { displayName: 'By link', expiration: { never: true }, requiresSignedLink: true },
  ]);
  const approver = (name) => ({ user: people.nodes.find(({ displayName }) => displayName === name).id });
  const stage = (...approvers) => ({ approvers, approversVisible: true });
  const deskName = `Borrowed desk${mark}`;
  const never = { never: true };
  const desk = await make(deskName, 'A desk that somebody lends.', [
    { displayName: 'By the manager', expiration: never, approvalStages: [stage({ manager: true })] },
    { displayName: 'By nobody', expiration: never },
    { displayName: 'Going away', expiration: never, approvalStages: [stage({ manager: true })] },
    {
      displayName: 'In two steps',
      expiration: never,
      approvalStages: [
        stage(approver('Alice Martin'), approver('Göran Lindqvist')),
        stage(approver('Göran Lindqvist'), approver('Bruno Keller')),
      ],
    },
  ]);
  const many = `Locker${mark}`;
  for (let number = 1; number <= 21; number += 1) {
    await make(`${many} ${number}`, '', [{ displayName: 'Everybody here', expiration: { never: true } }]);
  }
  const link = await mutate('createShareLink', 'url', { accessPackage: locked, label: 'For the test of the page' });
  const [, , going] = desk.policies;
  return { name, asking, quick, many, locked, lockedName, desk: desk.accessPackage, deskName, going, signedLink: link.url };
}
