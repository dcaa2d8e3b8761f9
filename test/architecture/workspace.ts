/** The workspace as plain data, so that tests can apply the rules to made-up workspaces. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Manifest {
  readonly name?: string;
  readonly exports?: unknown;
  readonly lockstep?: { readonly layer?: unknown };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface Package {
  /** Relative to the workspace, `''` for its root. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** Folders that its tsconfig.json refers to, relative to the workspace; undefined without a tsconfig.json. */
  readonly references: readonly string[] | undefined;
}

export interface SourceFile {
  /** Relative to the workspace. */
  readonly path: string;
  readonly text: string;
}

export interface Workspace {
  readonly root: Package;
  readonly packages: readonly Package[];
  readonly sources: readonly SourceFile[];
  /** Every file that git tracks. */
  readonly tracked: readonly string[];
}

const SOURCE = /\.(ts|mts|js|mjs|cjs|cc|h|py)$/;

/** Reads tracked files and untracked files that git does not ignore: the rules apply to new files too. */
export function readWorkspace(root: string): Workspace {
  const tracked = gitFiles(root, '--cached');
  const files = [...tracked, ...gitFiles(root, '--others', '--exclude-standard')].filter((path) =>
    existsSync(join(root, path)),
  );
  const folders = files.flatMap(
    (path) => /^((?:libs|apps)\/[^/]+|test)\/package\.json$/.exec(path)?.[1] ?? [],
  );
  return {
    root: readPackage(root, ''),
    packages: folders.sort().map((folder) => readPackage(root, folder)),
    sources: files
      .filter((path) => SOURCE.test(path))
      .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })),
    tracked,
  };
}

function gitFiles(root: string, ...flags: string[]): string[] {
  const output = execFileSync('git', ['ls-files', '-z', ...flags], { cwd: root, encoding: 'utf8' });
  return output.split('\0').filter((path) => path !== '');
}

function readPackage(root: string, folder: string): Package {
  const tsconfig = join(root, folder, 'tsconfig.json');
  return {
    folder,
    manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')),
    references: existsSync(tsconfig) ? readReferences(folder, readFileSync(tsconfig, 'utf8')) : undefined,
  };
}

function readReferences(folder: string, tsconfig: string): string[] {
  const { references = [] }: { references?: { path: string }[] } = JSON.parse(tsconfig);
  return references.map(({ path }) => join(folder, path));
}

export function allDependencies({ dependencies, devDependencies }: Manifest): Record<string, string> {
  return { ...dependencies, ...devDependencies };
}
