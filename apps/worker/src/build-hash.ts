/**
 * Which build this is. A coordinator refuses workers of another build: a version number does not tell two commits apart. The hash
 * is made of files that are the same on every machine that builds a commit, with a compiler or without: compiled TypeScript,
 * WebAssembly, the sources of native code and the lock file, but no native binary.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type BundleStamp, freshStamp } from './bundle.ts';

/** The folder that this package is compiled to, also when this module runs from its source. */
const worker = new URL('../dist/', import.meta.url);
const bundle = new URL('bundle/', worker);
const root = new URL('../../../', worker);

let known: string | undefined;

/** SHA-256, in hexadecimal. The first call takes a few milliseconds where the bundle is fresh: its stamp holds most of the hash. */
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

/** The hash of all compiled TypeScript of libraries and apps. */
export function codeHash(base = root): string {
  const files = ['libs/', 'apps/'].flatMap((group) =>
    namesIn(new URL(group, base)).flatMap((name) => compiled(base, `${group}${name}/`)),
  );
  return hashFiles(base, files);
}

/** Compiled files of a package, without those whose sources are gone. */
function compiled(base: URL, folder: string): string[] {
  const hasSources = existsSync(new URL(`${folder}src`, base));
  const isCurrent = (path: string): boolean =>
    existsSync(new URL(`${folder}src${path.slice(`${folder}dist`.length, -'.js'.length)}.ts`, base));
  return filesIn(base, `${folder}dist/`)
    .filter((path) => isCode(path) && !path.startsWith('apps/worker/dist/bundle/'))
    .filter((path) => !hasSources || isCurrent(path));
}

/** The hash of what else a build is made from: native code, how it is compiled, and which packages are installed. */
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

/** The hash of names and contents. A file that is not there, as in an image without sources, counts as its name. */
function hashFiles(base: URL, paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) {
    const url = new URL(path, base);
    hash.update(`${path}\n`);
    if (existsSync(url)) hash.update(createHash('sha256').update(readFileSync(url)).digest());
  }
  return hash.digest('hex');
}

/** Paths of all files below a folder, relative to `base`, in an order that does not depend on the file system. */
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
