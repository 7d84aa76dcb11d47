// The packages that the request page is tried with.
import { ask, check } from './driver.mjs';

/** A package with two policies, one that nobody decides, one behind a signed link, and more of a kind than a page shows. */
export async function makePackages(base, administrator) {
  const mutate = async (name, selection, input) => {
    const type = `${name[0].toUpperCase()}${name.slice(1)}Input`;
    const query = `mutation($input: ${type}!) { ${name}(input: $input) { ${selection} userErrors { code message field } } }`;
    const { [name]: payload } = await ask(base, administrator, query, { input });
    check(payload.userErrors.length === 0, `${name} is refused: ${JSON.stringify(payload.userErrors)}`);
    return payload;
  };
  const { model, before } = await ask(
    base,
    administrator,
    `{
      model: accessPackages(first: 1, filter: { search: "Frontend engineer" }) { nodes { catalog { id } resourceRoles { id } } }
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
    for (const policy of policies) {
      await mutate('createAssignmentPolicy', 'assignmentPolicy { id }', { accessPackage, requestorScope: 'ALL_MEMBERS', ...policy });
    }
    return accessPackage;
  }

  const text = (english, german) => ({ default: english, translations: [{ language: 'de', text: german }] });
  const choice = (value, english, german) => ({ value, text: text(english, german) });
  const name = `Test stand${mark}`;
  const asking = await make(name, 'The stand where front ends are tried out, with its tools.', [
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
  const locked = await make(lockedName, 'By a link with a secret.', [
    { displayName: 'By link', expiration: { never: true }, requiresSignedLink: true },
  ]);
  const many = `Locker${mark}`;
  for (let number = 1; number <= 21; number += 1) {
    await make(`${many} ${number}`, '', [{ displayName: 'Everybody here', expiration: { never: true } }]);
  }
  const link = await mutate('createShareLink', 'url', { accessPackage: locked, label: 'For the test of the page' });
  return { name, asking, quick, many, locked, lockedName, signedLink: link.url };
}
