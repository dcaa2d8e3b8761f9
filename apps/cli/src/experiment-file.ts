/** From an experiment file to one checked module: bundled by esbuild, packages left out, imported. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ErrorCode, LockstepError } from '@lockstep/errors';
import { fileError } from '@lockstep/files';
import { type Experiment, isExperiment } from '@lockstep/training';
import type { BuildFailure, Message } from 'esbuild';
import { nearNames } from './near.ts';
import { findProject, type Project } from './project.ts';

export interface ExperimentFile {
  /** The experiment's own, or the file's. */
  readonly name: string;
  readonly path: string;
  readonly project: Project;
  /** One ESM module, what workers run. */
  readonly bundle: Uint8Array;
  /** SHA-256 of the bundle. */
  readonly hash: string;
  readonly experiment: Experiment;
}

/** Throws an `experiment` error that says where and what, or what the experiment itself throws. */
export async function loadExperiment(file: string): Promise<ExperimentFile> {
  const path = resolve(file);
  requireFile(file, path);
  const project = findProject(dirname(path));
  const bundle = await bundleExperiment(file, path, project);
  const hash = createHash('sha256').update(bundle).digest('hex');
  const module = await importBundle(file, path, await cacheBundle(project, bundle, hash));
  const experiment = requireExperiment(file, module);
  const name = experiment.name ?? basename(path, extname(path));
  return { name, path, project, bundle, hash, experiment };
}

/** The experiment of a bundle that a run kept; `file` is where it was. Errors as of {@link loadExperiment}. */
export async function importKept(file: string, bundle: Uint8Array, hash: string): Promise<Experiment> {
  const cached = await cacheBundle(findProject(dirname(file)), bundle, hash);
  return requireExperiment(file, await importBundle(file, file, cached));
}

function requireFile(file: string, path: string): void {
  if (existsSync(path) && statSync(path).isFile()) return;
  const folder = dirname(path);
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => /\.[mc]?[jt]s$/.test(name)) : [];
  const near = nearNames(basename(path), files).map((name) => join(dirname(file), name));
  const hint =
    near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : existsSync(folder)
        ? `TypeScript files there: ${files.join(', ') || 'none'}`
        : `the folder ${dirname(file)} does not exist either`;
  const what = existsSync(path) ? 'is not a file' : 'does not exist';
  throw new LockstepError('experiment', `${file} ${what}; ${hint}`, { file, near });
}

async function bundleExperiment(file: string, path: string, project: Project): Promise<Uint8Array> {
  const { build, stop } = await import('esbuild');
  try {
    const { outputFiles } = await build({
      entryPoints: [path],
      absWorkingDir: project.root,
      outfile: join(project.cache, 'experiment.mjs'),
      write: false,
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'silent',
    });
    return outputFiles[0]!.contents;
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    const errors = error.errors.slice(0, 3).map((one) => describeBuildError(one, project.root));
    const more = error.errors.length > 3 ? `\n  … and ${error.errors.length - 3} more` : '';
    throw new LockstepError('experiment', `${file} cannot be read:\n${errors.join('\n')}${more}`, { file });
  } finally {
    // Its helper process.
    await stop();
  }
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);
}

function describeBuildError({ text, location }: Message, root: string): string {
  if (location === null) return `  ${text}`;
  const { file, line, column, lineText } = location;
  const path = shortPath(resolve(root, file));
  return `  ${path}:${line}:${column + 1}: ${text}\n    ${lineText}\n    ${' '.repeat(column)}^`;
}

/** Beside the project's packages, named by its hash. */
async function cacheBundle(project: Project, bundle: Uint8Array, hash: string): Promise<string> {
  const cached = join(project.cache, `${hash.slice(0, 32)}.mjs`);
  if (existsSync(cached)) return cached;
  const temporary = `${cached}.${process.pid}`;
  try {
    await mkdir(project.cache, { recursive: true });
    await writeFile(temporary, bundle);
    await rename(temporary, cached);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(cached, cause);
  }
  return cached;
}

async function importBundle(
  file: string,
  path: string,
  cached: string,
): Promise<Readonly<Record<string, unknown>>> {
  process.setSourceMapsEnabled(true);
  try {
    return (await import(pathToFileURL(cached).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const [, missing] = /Cannot find package '([^']+)'/.exec(error.message) ?? [];
    if (missing !== undefined) {
      const remedy = `run \`npm install ${missing}\` in its project`;
      throw new LockstepError(
        'experiment',
        `${file} imports '${missing}', which is not installed; ${remedy}`,
        {
          file,
          missing,
        },
      );
    }
    const { message } = error;
    const code = codeOf(error);
    throw new LockstepError(code, `${placeOf(error, path) ?? file}: ${message}`, { file }, { cause: error });
  } finally {
    process.setSourceMapsEnabled(false);
  }
}

/** Of an error of ours, of whichever copy of the library. */
function codeOf(error: Error): ErrorCode {
  const { code } = error as { readonly code?: unknown };
  return error.name === 'LockstepError' ? (code as ErrorCode) : 'experiment';
}

/** `file:line:column` of the experiment's own code in a stack, mapped back from the bundle. */
function placeOf(error: Error, path: string): string | undefined {
  // Of a module that does not link, the stack names no line of its own.
  if (error instanceof SyntaxError) return undefined;
  const at = error.stack?.indexOf(`${path}:`) ?? -1;
  const [place] = at < 0 ? [] : (/:\d+:\d+/.exec(error.stack!.slice(at + path.length)) ?? []);
  return place === undefined ? undefined : `${shortPath(path)}${place}`;
}

/** Relative to the working directory for what lies in it. */
function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

function requireExperiment(file: string, module: Readonly<Record<string, unknown>>): Experiment {
  const { default: value } = module;
  if (isExperiment(value)) return value;
  const exported = Object.keys(module);
  const came =
    'default' in module
      ? `its default export is ${describeValue(value)}`
      : `it exports ${exported.length === 0 ? 'nothing' : `${exported.join(', ')}, but no default`}`;
  throw new LockstepError(
    'experiment',
    `${file} is not an experiment: ${came}; end it with \`export default defineExperiment({ … })\``,
    { file, exported },
  );
}

function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? 'an object not made by defineExperiment' : `a ${typeof value}`;
}
