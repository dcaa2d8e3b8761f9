/**
 * Which build this is. Coordinator and workers of a run have the same, or refuse each other: a version number says nothing of
 * a checkout's commit. Made of what is the same on every machine that builds a commit, with a compiler or without: compiled
 * TypeScript, WebAssembly, the sources of native code and the lock file, but no native binary.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type BundleStamp, freshStamp } from './bundle.ts';

/** Where modules of this package are compiled to, also for one that runs from its source. */
const worker = new URL('../dist/', import.meta.url);
const bundle = new URL('bundle/', worker);
const root = new URL('../../../', worker);

let known: string | undefined;

/** SHA-256, in hexadecimal. A few milliseconds at first where the bundle is fresh; it is hashed together with what its stamp holds. */
export function buildHash(): string {
  if (known === undefined) {
    const stamp = freshStamp(bundle);
    known = digest([...(stamp === undefined ? [codeHash(), sourcesHash()] : stamped(stamp)), wasmHash()]);
  }
  return known;
}

function stamped({ code, sources }: BundleStamp): string[] {
  return [code, sources, hashFiles(bundle, filesIn(bundle, '').filter(isCode))];
}

/** Of all compiled TypeScript of libraries and apps. */
export function codeHash(base = root): string {
  const files = ['libs/', 'apps/'].flatMap((group) =>
    namesIn(new URL(group, base)).flatMap((name) => compiled(base, `${group}${name}/`)),
  );
  return hashFiles(base, files);
}

/** Without what the compiler left of sources that are gone. */
function compiled(base: URL, folder: string): string[] {
  const hasSources = existsSync(new URL(`${folder}src`, base));
  const isCurrent = (path: string): boolean =>
    existsSync(new URL(`${folder}src${path.slice(`${folder}dist`.length, -'.js'.length)}.ts`, base));
  return filesIn(base, `${folder}dist/`)
    .filter((path) => isCode(path) && !path.startsWith('apps/worker/dist/bundle/'))
    .filter((path) => !hasSources || isCurrent(path));
}

/** Of what else a build is made from: native code, how it is compiled, and which packages there are. */
export function sourcesHash(base = root): string {
  const native = ['libs/kernels/native/', 'libs/lanes/native/'].flatMap((folder) => filesIn(base, folder));
  const compiled = native.filter((path) => /native\/[^/]+\.(cc|h|inc)$/.test(path));
  return hashFiles(base, [...compiled, 'tools/build-native.mjs', 'package-lock.json']);
}

export const wasmHash = (base = root): string =>
  hashFiles(
    base,
    filesIn(base, 'libs/kernels/build/').filter((path) => path.endsWith('.wasm')),
  );

const isCode = (path: string): boolean => path.endsWith('.js');

/** Of names and contents; what is not there, as in an image without sources, counts as its name. */
function hashFiles(base: URL, paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) {
    const url = new URL(path, base);
    hash.update(`${path}\n`);
    if (existsSync(url)) hash.update(createHash('sha256').update(readFileSync(url)).digest());
  }
  return hash.digest('hex');
}

/** Paths of all files below a folder, relative to `base`, in an order that no file system decides. */
function filesIn(base: URL, folder: string): string[] {
  const url = new URL(folder, base);
  if (!existsSync(url)) return [];
  const entries = readdirSync(url, { withFileTypes: true });
  return entries
    .flatMap((entry) =>
      entry.isDirectory() ? filesIn(base, `${folder}${entry.name}/`) : [`${folder}${entry.name}`],
    )
    .sort();
}

const namesIn = (folder: URL): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);

const digest = (parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('hex');
