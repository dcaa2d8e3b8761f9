/** Turns an experiment file into one checked module: esbuild bundles it without its packages, and it is imported. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { LockstepError, nearNames } from '@lockstep/errors';
import {
  cacheBundle,
  findProject,
  importBundle,
  type Project,
  requireExported,
  shortPath,
} from '@lockstep/inference';
import type { Declarations, ParamValues } from '@lockstep/params';
import { placed } from '@lockstep/run';
import type { Experiment, ExperimentTemplate } from '@lockstep/training';
import type { BuildFailure, Message } from 'esbuild';

export interface ExperimentModule {
  readonly path: string;
  readonly project: Project;
  /** One ESM module, which workers run. */
  readonly bundle: Uint8Array;
  /** SHA-256 of the bundle. */
  readonly hash: string;
}

export interface ExperimentFile extends ExperimentModule {
  /** The name that the experiment gives, or the name of the file. */
  readonly name: string;
  readonly experiment: Experiment;
  /** The values of the declared parameters; undefined if the experiment declares none. */
  readonly params?: ParamValues;
}

/**
 * The experiment of a file.
 *
 * @param assignments values of declared parameters, such as `rate=0.1`; the other parameters have their defaults
 * @throws LockstepError `experiment` with place and reason, `config` for an assignment that does not fit, and what the experiment
 * itself throws
 */
export async function loadExperiment(
  file: string,
  assignments: readonly string[] = [],
): Promise<ExperimentFile> {
  const { exported, ...module } = await loadModule(file);
  const { path, bundle, hash, project } = module;
  const { parseAssignments } = await import('@lockstep/params');
  const { resolveExperiment } = await import('@lockstep/training');
  const given = parseAssignments(declaredIn(exported), assignments);
  const resolved = placed(
    { bundle, hash, root: project.root },
    () => undefined,
    () => resolveExperiment(exported, given),
  );
  return { ...module, ...resolved, name: resolved.experiment.name ?? basename(path, extname(path)) };
}

/** The parameters that the experiment of a file declares. Neither its model is made nor its data are loaded. */
export async function loadDeclarations(file: string): Promise<Declarations> {
  return declaredIn((await loadModule(file)).exported);
}

const declaredIn = (exported: Experiment | ExperimentTemplate): Declarations =>
  'params' in exported ? exported.params : {};

/** The module of a file, whose functions are not called. */
export async function loadModule(
  file: string,
): Promise<ExperimentModule & { exported: Experiment | ExperimentTemplate }> {
  const { exports, ...module } = await loadFile(file);
  return { ...module, exported: requireExported(file, exports) };
}

/** What a file exports, as one module. */
export async function loadFile(
  file: string,
): Promise<ExperimentModule & { readonly exports: Readonly<Record<string, unknown>> }> {
  const path = resolve(file);
  requireFile(file, path);
  const project = findProject(dirname(path));
  const bundle = await bundleExperiment(file, path, project);
  const hash = createHash('sha256').update(bundle).digest('hex');
  const exports = await importBundle(file, project, await cacheBundle(project, bundle, hash));
  return { path, project, bundle, hash, exports };
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
    // Ends the helper process of esbuild.
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
