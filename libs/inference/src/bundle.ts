/** Experiments as bundled modules, kept beside the packages that they import and imported from there. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ErrorCode, LockstepError } from '@lockstep/errors';
import { fileError } from '@lockstep/files';
import { parseAssignments } from '@lockstep/params';
import { moduleName, placed, placedLater } from '@lockstep/run';
import {
  definitionOf,
  type Experiment,
  type ExperimentTemplate,
  isExperiment,
  isTemplate,
  type ResolvedExperiment,
  resolveExperiment,
} from '@lockstep/training';
import { findProject, type Project } from './project.ts';
import type { KnownRun } from './run-files.ts';

/** The experiment of a run, with the run's parameters. Throws an `experiment` error, or what the experiment itself throws. */
export async function importKept(run: KnownRun): Promise<Experiment> {
  return (await importChanged(run, [])).experiment;
}

/**
 * The experiment of a run with other values of some parameters, such as `rate=0.1`. Throws as {@link importKept} does, and `config`
 * for an assignment that does not fit.
 */
export async function importChanged(
  { file, bundle, hash, config }: KnownRun,
  assignments: readonly string[],
): Promise<ResolvedExperiment> {
  const project = findProject(dirname(file));
  const module = await importBundle(file, project, await cacheBundle(project, bundle, hash));
  const exported = requireExported(file, module);
  const changed = parseAssignments(isTemplate(exported) ? exported.params : {}, assignments);
  const source = { bundle, hash, root: project.root };
  return placed(
    source,
    () => undefined,
    () => resolveExperiment(exported, { ...config.params, ...changed }),
  );
}

/** Runs code that calls functions of a run's experiment: errors that they throw get their place in its files. */
export function placedIn<T>({ file, bundle, hash }: Kept, experiment: Experiment, run: () => T): T {
  const source = { bundle, hash, root: findProject(dirname(file)).root };
  return placed(source, () => definitionOf(experiment), run);
}

/** What a run keeps of its experiment. */
interface Kept {
  readonly file: string;
  readonly bundle: Uint8Array;
  readonly hash: string;
}

/** Writes the bundle beside the project's packages, named by its hash. */
export async function cacheBundle(project: Project, bundle: Uint8Array, hash: string): Promise<string> {
  const cached = join(project.cache, moduleName(hash));
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

/** `file` is the path that the user wrote, `cached` the result of {@link cacheBundle}. */
export async function importBundle(
  file: string,
  { root }: Project,
  cached: string,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await placedLater(
      () => ({ bundle: readFileSync(cached), hash: basename(cached, '.mjs'), root }),
      () => import(pathToFileURL(cached).href) as Promise<Readonly<Record<string, unknown>>>,
    );
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { message } = error;
    const [, missing] = /Cannot find package '([^']+)'/.exec(message) ?? [];
    if (missing !== undefined) {
      const remedy = `run \`npm install ${missing}\` in its project`;
      throw new LockstepError(
        'experiment',
        `${file} imports '${missing}', which is not installed; ${remedy}`,
        { file, missing },
      );
    }
    if (error instanceof LockstepError && error.facts.place !== undefined) throw error;
    throw new LockstepError(codeOf(error), `${file}: ${message}`, { file }, { cause: error });
  }
}

/** The code of an error of this library, whichever copy of the library made it. */
function codeOf(error: Error): ErrorCode {
  const { code } = error as { readonly code?: unknown };
  return error.name === 'LockstepError' ? (code as ErrorCode) : 'experiment';
}

/** The path of a file, relative to the working directory if the file lies in it. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

/** The default export of an experiment file. */
export function requireExported(
  file: string,
  module: Readonly<Record<string, unknown>>,
): Experiment | ExperimentTemplate {
  const { default: value } = module;
  if (isExperiment(value) || isTemplate(value)) return value;
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
