/** Imports the experiment that came with the welcome: a bundled module that uses the packages of this project. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LockstepError } from '@lockstep/errors';
import { fileError } from '@lockstep/files';
import type { ParamValues } from '@lockstep/params';
import { moduleName } from '@lockstep/run';
import { type Experiment, isExperiment, isTemplate, resolveExperiment } from '@lockstep/training';
import { bundledPackages } from './bundle.ts';

/**
 * Writes the bundle where its imports resolve, checks its hash and imports it.
 *
 * @param params the values of all parameters that the experiment declares
 */
export async function importExperiment(
  bundle: Uint8Array,
  hash: string,
  params: ParamValues | undefined,
): Promise<Experiment> {
  const actual = createHash('sha256').update(bundle).digest('hex');
  if (actual !== hash) {
    throw new LockstepError(
      'experiment',
      `the experiment's code arrived damaged: its SHA-256 is ${actual}, not ${hash}`,
      {
        expected: hash,
        actual,
      },
    );
  }
  const module = modules.get(hash) ?? (await importModule(bundle, hash));
  modules.set(hash, module);
  const { default: exported } = module;
  if (isExperiment(exported) || isTemplate(exported)) return resolveExperiment(exported, params).experiment;
  throw new LockstepError(
    'experiment',
    'the experiment has no default export made by defineExperiment; end the file with `export default defineExperiment({ … })`',
    { exports: Object.keys(module) },
  );
}

interface ExperimentModule {
  readonly default?: unknown;
}

/** The modules that this thread has imported, by hash: a run of a pool may have the experiment of an earlier one. */
const modules = new Map<string, ExperimentModule>();

async function importModule(bundle: Uint8Array, hash: string): Promise<ExperimentModule> {
  const folder = await cacheFolder();
  const file = join(folder, moduleName(hash));
  // Written by each process, since a crash may have left it empty. A process id would not do: containers that share the folder share ids.
  const temporary = `${file}.${randomUUID()}`;
  try {
    await writeFile(temporary, bundle);
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(file, cause);
  }
  return (await import(pathToFileURL(file).href)) as ExperimentModule;
}

/** The folder of the project whose packages an experiment imports. The experiment's files lie below it. */
export const projectRoot = (): string => dirname(packagesFolder());

/** The folder to import an experiment from: its imports resolve to this project's packages, or from bundled code to the bundled ones. */
async function cacheFolder(): Promise<string> {
  const cache = join(packagesFolder(), '.cache', 'lockstep');
  if (import.meta.bundled === undefined) {
    await mkdir(cache, { recursive: true });
    return cache;
  }
  // From elsewhere an import would find other instances of the packages, whose tensors this code does not know.
  if (!existsSync(join(bundledPackages(), 'lockstep'))) {
    throw new LockstepError(
      'experiment',
      'the build was replaced while this worker started; start it again',
      { packages: bundledPackages() },
    );
  }
  const folder = join(cache, 'bundled');
  await mkdir(folder, { recursive: true });
  await link(bundledPackages(), join(folder, 'node_modules'));
  return folder;
}

/** Makes `path` a link to a folder. Other processes may do the same at the same time. */
async function link(folder: string, path: string): Promise<void> {
  if (existsSync(path) && (await readlink(path)) === folder) return;
  const temporary = `${path}.${randomUUID()}`;
  await symlink(folder, temporary, 'junction');
  await rename(temporary, path);
}

/** The `node_modules` that holds `lockstep`: that of the working directory, else the one that this package lies in. */
function packagesFolder(): string {
  for (const start of [process.cwd(), dirname(fileURLToPath(import.meta.url))]) {
    for (let folder = start; ; folder = dirname(folder)) {
      const packages = join(folder, 'node_modules');
      if (existsSync(join(packages, 'lockstep'))) return packages;
      if (folder === parse(folder).root) break;
    }
  }
  throw new LockstepError(
    'experiment',
    `no node_modules with the package lockstep above ${process.cwd()}; start the worker inside a project that has it installed`,
    { cwd: process.cwd() },
  );
}
