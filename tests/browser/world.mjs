// A server as in production, with peers that nobody here wrote: two issuers, at which people sign in in a browser
// (`oidc-provider`), and a mail server (`smtp-server`). In Contoso there is a package for everybody from outside.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { createInterface } from 'node:readline';

const CONTOSO = {
  ada: { name: 'Ada Admin', roles: ['GLOBAL_ADMINISTRATOR'] },
  mara: { name: 'Mara Meier' },
  omar: { name: 'Omar Ortiz' },
};
const ADATUM = { paula: { name: 'Paula Partner', tid: 't1' } };

/** Starts all of it. `peers` is a folder that holds `oidc` and `smtp` of the tests, with their packages installed. */
export async function start(binary, peers, databaseUrl) {
  const work = await mkdtemp(join(tmpdir(), 'guichet-world-'));
  const children = [];
  const stop = async () => {
    for (const child of children) {
      child.kill();
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
    }
    await rm(work, { recursive: true, force: true });
  };
  try {
    const base = `http://127.0.0.1:${await freePort()}`;
    const peer = async (folder, ...args) => {
      const child = spawn('node', [join(peers, folder, 'server.mjs'), ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
      children.push(child);
      return JSON.parse(await firstLine(child));
    };
    const back = (id) => `${base}/sign-in/from/${id}`;
    const contoso = await peer('oidc', JSON.stringify(CONTOSO), back('contoso'));
    const adatum = await peer('oidc', JSON.stringify(ADATUM), back('adatum'));
    const mail = await peer('smtp');

    await writeFile(join(work, 'issuers.json'), JSON.stringify([
      { ...issuer('Contoso', contoso), organization: 'contoso', roles: { claim: 'roles', allowed: ['GLOBAL_ADMINISTRATOR'] } },
      issuer('Adatum', adatum),
    ]));
    const settings = {
      PATH: env.PATH,
      GUICHET_DATABASE_URL: databaseUrl ?? `sqlite://${join(work, 'guichet.sqlite')}`,
      GUICHET_ISSUERS: `@${join(work, 'issuers.json')}`,
      GUICHET_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      GUICHET_LISTEN: new URL(base).host,
      GUICHET_PUBLIC_URL: base,
      GUICHET_SMTP_URL: `smtp://127.0.0.1:${mail.smtp}`,
      GUICHET_SMTP_TLS: 'none',
      GUICHET_MAIL_FROM: 'Guichet <guichet@contoso.example>',
    };
    const guichet = (...args) => {
      const child = spawn(binary, args, { env: settings, stdio: ['ignore', 'inherit', 'inherit'] });
      children.push(child);
      return child;
    };
    await done(guichet('migrate'));
    await done(guichet('organization', 'create', '--slug', 'contoso', '--name', 'Contoso', '--domain', 'contoso.example'));
    guichet('serve');
    await ready(base);

    const link = await seed(base, await token(contoso.issuer, 'ada'), await token(contoso.issuer, 'mara'));
    const mails = async () => (await fetch(`http://127.0.0.1:${mail.control}/mails`)).json();
    return { base, link, issuers: [contoso.issuer, adatum.issuer], code: (address) => code(mails, address), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function issuer(name, { issuer }) {
  return {
    issuer,
    audience: 'guichet',
    keys: { jwksUrl: `${issuer}/jwks` },
    algorithms: ['RS256'],
    signIn: {
      id: name.toLowerCase(),
      name,
      authorizationUrl: `${issuer}/auth`,
      tokenUrl: `${issuer}/token`,
      clientId: 'guichet-page',
      resource: 'urn:guichet',
    },
  };
}

/** A package for everybody from outside, of which Mara decides; answers its share link. */
async function seed(base, ada, mara) {
  const ask = async (token, query, variables = {}) => {
    const response = await fetch(`${base}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'guichet-organization': 'contoso' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    if (errors) throw new Error(`The API answers ${JSON.stringify(errors)}.`);
    return data;
  };
  const change = async (mutation, input, selection) => {
    const type = `${mutation[0].toUpperCase()}${mutation.slice(1)}Input`;
    const data = await ask(
      ada,
      `mutation($input: ${type}!) { ${mutation}(input: $input) { ${selection} userErrors { code message } } }`,
      { input },
    );
    const { userErrors, ...made } = data[mutation];
    if (userErrors.length > 0) throw new Error(`${mutation} answers ${JSON.stringify(userErrors)}.`);
    return Object.values(made)[0];
  };
  const { viewer } = await ask(mara, '{ viewer { user { id } } }');
  const { organization } = await ask(ada, '{ organization { version } }');
  await change('updateOrganization', { version: organization.version, emailSignIn: true }, 'organization { version }');
  const connector = await change('createConnector', { displayName: 'Directory', kind: 'DIRECTORY' }, 'connector { id }');
  await change(
    'createDirectoryGroup',
    { connector: connector.id, displayName: 'Designs', originId: 'designs' },
    'directoryGroup { id }',
  );
  const catalog = await change('createCatalog', { displayName: 'Partners', externallyVisible: true }, 'catalog { id }');
  await change(
    'openConnector',
    { catalog: catalog.id, connector: connector.id, targets: ['*'] },
    'connector { id }',
  );
  const resource = await change(
    'createResource',
    { catalog: catalog.id, connector: connector.id, displayName: 'Designs', kind: 'GROUP', originId: 'designs' },
    'resource { roles { id } }',
  );
  const accessPackage = await change(
    'createAccessPackage',
    { catalog: catalog.id, displayName: 'Shared designs', resourceRoles: [resource.roles[0].id] },
    'accessPackage { id shareLink { url } }',
  );
  await change(
    'createAssignmentPolicy',
    {
      accessPackage: accessPackage.id,
      displayName: 'Partners',
      requestorScope: 'ALL_EXTERNAL_USERS',
      expiration: { afterDuration: 'P30D' },
      approvalStages: [{ approvers: [{ user: viewer.user.id }] }],
    },
    'assignmentPolicy { id }',
  );
  return accessPackage.shareLink.url;
}

async function token(issuer, name) {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${name}:secret`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  });
  return (await response.json()).access_token;
}

/** The code of the newest mail to an address. */
async function code(mails, address) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const newest = (await mails()).findLast(({ to }) => to.includes(address));
    const found = newest && /\b\d{4} ?\d{4}\b/.exec(newest.text);
    if (found) return found[0];
    await pause();
  }
  throw new Error(`No code was mailed to ${address}.`);
}

async function ready(base) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await fetch(`${base}/readyz`).catch(() => null);
    if (answer?.ok) return;
    await pause();
  }
  throw new Error('The server does not get ready.');
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function firstLine(child) {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', () => reject(new Error(`${child.spawnargs.join(' ')} ended.`)));
  });
}

function done(child) {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${child.spawnargs.join(' ')} failed.`))));
  });
}
