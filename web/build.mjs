// Bundles the pages: `node build.mjs <output folder>`.
// The output is one gzip file for each asset, and manifest.tsv, which build.rs turns into a Rust table:
// role, file name, content type. A file name holds the hash of the content, so browsers may keep it for ever.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const source = (file) => join(here, 'src', file);

const CONTENT_TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

// The label under which Monaco asks for a worker, and the worker's entry point.
const WORKERS = {
  editor: 'monaco-editor/esm/vs/editor/editor.worker.js',
  json: 'monaco-editor/esm/vs/language/json/json.worker.js',
  graphql: 'monaco-graphql/esm/graphql.worker.js',
};

// graphiql/style.css holds Monaco's styles already; the copies that Monaco's modules import would double them.
const withoutMonacoStyles = {
  name: 'without-monaco-styles',
  setup(bundle) {
    bundle.onLoad({ filter: /[\\/]monaco-editor[\\/].*\.css$/ }, () => ({ contents: '', loader: 'empty' }));
  },
};

const prettier = {
  name: 'prettier',
  setup(bundle) {
    bundle.onResolve({ filter: /^prettier\// }, ({ importer, path, resolveDir, kind }) => {
      // GraphiQL tidies the variables with Prettier and a whole JavaScript parser (over 0.5 MB). jsonc-parser, which is
      // in the bundle anyway, does it as well. Queries keep Prettier, which keeps their comments.
      if (/[\\/]utility[\\/]jsonc\.js$/.test(importer)) return { path: source('graphiql/format-json.js') };
      // The old name of the parser leads to a CommonJS copy, whose parser a bundle does not find.
      if (path === 'prettier/parser-graphql') return bundle.resolve('prettier/plugins/graphql', { resolveDir, kind });
      return undefined;
    });
  },
};

const common = {
  absWorkingDir: here,
  bundle: true,
  define: { 'process.env.NODE_ENV': '"production"' },
  entryNames: '[name]-[hash]',
  chunkNames: 'chunk-[hash]',
  format: 'esm',
  jsx: 'automatic',
  // The licences of all packages are gathered in one asset instead.
  legalComments: 'none',
  logLevel: 'error',
  metafile: true,
  minify: true,
  outdir: 'out',
  plugins: [withoutMonacoStyles, prettier],
  target: 'es2022',
  write: false,
};

/** The file that an entry point became: its name now holds a hash. */
function built(result, entry, extension) {
  const names = result.outputFiles.map((file) => basename(file.path));
  const found = names.filter((name) => name.startsWith(`${entry}-`) && name.endsWith(extension));
  if (found.length !== 1) throw new Error(`expected one ${entry}-*${extension}, found ${found.length}`);
  return found[0];
}

/** The licence files of every package that has code in one of the bundles. */
async function licences(results) {
  const packages = new Set();
  for (const input of results.flatMap((result) => Object.keys(result.metafile.inputs))) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) packages.add(found[1]);
  }
  const parts = [];
  for (const folder of [...packages].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(here, folder, 'package.json'), 'utf8'));
    const texts = [];
    for (const file of (await readdir(join(here, folder))).sort()) {
      if (/^(licen[cs]e|notice|thirdpartynotices)/i.test(file)) {
        texts.push((await readFile(join(here, folder, file), 'utf8')).trim());
      }
    }
    parts.push([`${name} ${version} (${license})`, ...texts].join('\n\n'));
  }
  return parts.join(`\n\n${'='.repeat(80)}\n\n`) + '\n';
}

function hashed(name, extension, contents) {
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 8);
  return { name: `${name}-${hash}${extension}`, contents };
}

const workers = [];
const workerFiles = {};
for (const [label, entry] of Object.entries(WORKERS)) {
  const worker = await build({ ...common, entryPoints: { [`${label}.worker`]: entry }, splitting: true });
  workers.push(worker);
  workerFiles[label] = built(worker, `${label}.worker`, '.js');
}

// GraphiQL brings React. The other pages are small, and stay so with Preact, which does the same.
const preact = {
  alias: { react: 'preact/compat', 'react-dom/client': 'preact/compat/client', 'react/jsx-runtime': 'preact/jsx-runtime' },
};
const scripts = {
  graphiql: {
    define: { ...common.define, WORKER_FILES: JSON.stringify(workerFiles) },
    entryPoints: { graphiql: source('graphiql/main.jsx') },
  },
  request: { ...preact, entryPoints: { request: source('request/main.jsx') }, loader: { '.graphql': 'text' } },
  'sign-in': { ...preact, entryPoints: { 'sign-in': source('sign-in/main.jsx') } },
};
const styles = { graphiql: source('graphiql/main.css'), request: source('request/main.css') };

const results = [...workers];
const roles = {};
for (const [page, options] of Object.entries(scripts)) {
  const result = await build({ ...common, ...options, splitting: true });
  roles[built(result, page, '.js')] = `${page}.script`;
  results.push(result);
}
for (const [page, file] of Object.entries(styles)) {
  const result = await build({ ...common, entryPoints: { [page]: file }, loader: { '.svg': 'dataurl' } });
  roles[built(result, page, '.css')] = `${page}.style`;
  results.push(result);
}
const icon = hashed('icon', '.svg', await readFile(source('icon.svg')));
const licence = hashed('licences', '.txt', Buffer.from(await licences(results)));
roles[icon.name] = 'icon';
roles[licence.name] = 'licence';

const files = new Map(
  results.flatMap((result) => result.outputFiles.map((file) => [basename(file.path), Buffer.from(file.contents)])),
);
for (const { name, contents } of [icon, licence]) files.set(name, contents);

const output = argv[2];
if (!output) throw new Error('usage: node build.mjs <output folder>');
await mkdir(output, { recursive: true });
const manifest = [];
for (const [name, contents] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const contentType = CONTENT_TYPES[extname(name)];
  if (!contentType) throw new Error(`no content type is known for ${name}`);
  await writeFile(join(output, `${name}.gz`), gzipSync(contents, { level: 9 }));
  manifest.push([roles[name] ?? 'part', name, contentType].join('\t'));
}
await writeFile(join(output, 'manifest.tsv'), manifest.join('\n') + '\n');
