/** Experiments as bundled modules: kept beside the packages that they import, and imported from there. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ErrorCode, LockstepError } from '@lockstep/errors';
import { fileError } from '@lockstep/files';
import { type Experiment, isExperiment } from '@lockstep/training';
import { findProject, type Project } from './project.ts';

/** The experiment of a bundle that a run kept; `file` is where it was. Throws an `experiment` error, or what the experiment itself throws. */
export async function importKept(file: string, bundle: Uint8Array, hash: string): Promise<Experiment> {
  const cached = await cacheBundle(findProject(dirname(file)), bundle, hash);
  return requireExperiment(file, await importBundle(file, file, cached));
}

/** Beside the project's packages, named by its hash. */
export async function cacheBundle(project: Project, bundle: Uint8Array, hash: string): Promise<string> {
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

export async function importBundle(
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
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

export function requireExperiment(file: string, module: Readonly<Record<string, unknown>>): Experiment {
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
