// Bundles the programs of a worker's threads into few files: see apps/worker/src/bundle.ts. The bundle is split into parts
// that all threads share. The packages that an experiment imports are parts too, because the experiment must use the
// instances of its thread.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const worker = join(root, 'apps/worker/dist');
const folder = join(worker, 'bundle');
const inFolder = 'import.meta.url.slice(0, import.meta.url.lastIndexOf("/bundle/") + 8)';
const programs = ['run-worker', 'compiler/thread', 'compute/thread', 'compute/loader-thread'];
/** Not bundled: code outside of the bundle must get the same classes, because `instanceof` tells errors apart. */
const foundation = '@lockstep/errors';

const cli = createRequire(join(root, 'apps/cli/package.json'));
const manifestOf = (path) => JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));

/** Paths of a package and of all workspace packages on which it depends. */
function closure(path, seen = new Set()) {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const name of Object.keys(manifestOf(path).dependencies ?? {})) {
    if (name.startsWith('@lockstep/')) closure(name.replace('@lockstep/', 'libs/'), seen);
  }
  return seen;
}

/** What can be imported from a package: `[['.', './dist/index.js']]`. */
const entriesOf = (path) =>
  Object.entries(manifestOf(path).exports).map(([key, { default: file }]) => [key, file]);

const importable = [...closure('libs/lockstep')].filter((path) => manifestOf(path).name !== foundation);
const packages = [...new Set([...closure('apps/worker'), ...closure('libs/lockstep')])];
const external = packages
  .flatMap((path) => Object.keys(manifestOf(path).dependencies ?? {}))
  .filter((name) => !name.startsWith('@lockstep/'));

/** Bundled modules still find the files that lie beside their unbundled ones. */
const places = {
  name: 'places',
  setup(build) {
    build.onLoad({ filter: /[\\/]dist[\\/].*\.js$/ }, ({ path }) => {
      const place = relative(folder, path).replaceAll('\\', '/');
      const url = `new URL(${JSON.stringify(place)}, ${inFolder}).href`;
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url) };
    });
  },
};

export async function bundle() {
  const { build } = cli('esbuild');
  rmSync(folder, { recursive: true, force: true });
  const entry = (out, path) => [out, join(root, path)];
  await build({
    // Makes the paths in comments independent of the working directory.
    absWorkingDir: root,
    entryPoints: Object.fromEntries([
      ...programs.map((name) => entry(name, `apps/worker/dist/${name}.js`)),
      ...importable.flatMap((path) =>
        entriesOf(path).map(([, file]) =>
          entry(`node_modules/${manifestOf(path).name}/${basename(file, '.js')}`, join(path, file)),
        ),
      ),
    ]),
    outdir: folder,
    chunkNames: 'parts/[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Layers and their parameters are named after functions.
    keepNames: true,
    external: [foundation, ...external],
    define: { 'import.meta.bundled': 'true' },
    plugins: [places],
    logLevel: 'warning',
  });
  for (const path of importable) {
    const { name, version } = manifestOf(path);
    const exports = Object.fromEntries(entriesOf(path).map(([key, file]) => [key, `./${basename(file)}`]));
    const manifest = { name, version, type: 'module', exports };
    writeFileSync(join(folder, 'node_modules', name, 'package.json'), JSON.stringify(manifest));
  }
  const files = packages.map((path) => join(root, path, 'dist/.tsbuildinfo'));
  const { hashOf } = await import(pathToFileURL(join(worker, 'bundle.js')).href);
  const { codeHash, sourcesHash } = await import(pathToFileURL(join(worker, 'build-hash.js')).href);
  const stamp = {
    files: files.map((file) => relative(folder, file).replaceAll('\\', '/')),
    hash: hashOf(files.map((file) => pathToFileURL(file))),
    code: codeHash(),
    sources: sourcesHash(),
  };
  writeFileSync(join(folder, 'stamp.json'), JSON.stringify(stamp));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
