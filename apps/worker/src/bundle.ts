/**
 * The programs of a worker's threads, bundled into few files: Node takes half a millisecond to load a module, and the programs have
 * hundreds. `npm run build` makes the bundle (tools/bundle.mjs). After any other build the bundle is stale, and is not used.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

declare global {
  interface ImportMeta {
    /** Set in code that has been bundled. */
    readonly bundled?: true;
  }
}

const folder = new URL('./bundle/', import.meta.url);

/** Says what the bundle was made from, by files that every build of a package writes. */
export interface BundleStamp {
  /** Relative to the bundle. */
  readonly files: readonly string[];
  /** SHA-256 of their contents, one after another. */
  readonly hash: string;
  /** What the bundle was built together with: see build-hash.ts. */
  readonly code: string;
  readonly sources: string;
}

let isFresh: boolean | undefined;

/** A program of the worker, named by its path in this folder without extension: the bundled one if it is up to date. */
export function programOf(name: string): URL {
  return bundled(name) ?? new URL(`./${name}.js`, import.meta.url);
}

/** The bundled form of a module; undefined unless it is up to date. */
export function bundled(name: string): URL | undefined {
  isFresh ??= freshStamp(folder) !== undefined;
  return isFresh ? new URL(`${name}.js`, folder) : undefined;
}

/** The folder in which bundled code must find the packages of this project: only there are its own instances of them. */
export const bundledPackages = (): string => fileURLToPath(new URL('node_modules', folder));

/** The stamp of the bundle in `place`; undefined unless it is up to date. */
export function freshStamp(place: URL): BundleStamp | undefined {
  const path = new URL('stamp.json', place);
  if (!existsSync(path)) return undefined;
  const stamp = JSON.parse(readFileSync(path, 'utf8')) as BundleStamp;
  const urls = stamp.files.map((file) => new URL(file, place));
  return urls.every((url) => existsSync(url)) && hashOf(urls) === stamp.hash ? stamp : undefined;
}

export function hashOf(files: readonly URL[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex');
}
