/** Finds the project of an experiment, whose packages the experiment imports. */
import { existsSync } from 'node:fs';
import { dirname, join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LockstepError } from '@lockstep/errors';
import { bundleFolder } from '@lockstep/run';

export interface Project {
  readonly root: string;
  /** The folder of cached bundles; their imports resolve from there. */
  readonly cache: string;
}

const here = dirname(fileURLToPath(import.meta.url));

/** The nearest folder above `folder`, the working directory or this package whose node_modules holds `lockstep`. */
export function findProject(folder: string): Project {
  for (const start of [folder, process.cwd(), here]) {
    for (let root = start; ; root = dirname(root)) {
      if (existsSync(join(root, 'node_modules', 'lockstep'))) {
        return { root, cache: join(root, bundleFolder) };
      }
      if (root === parse(root).root) break;
    }
  }
  throw new LockstepError(
    'experiment',
    `no node_modules with the package lockstep above ${folder}; install lockstep in the experiment's project`,
    { folder },
  );
}
