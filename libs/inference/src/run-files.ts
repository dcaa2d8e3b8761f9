/** Reads what a run folder keeps beside the logs: the experiment's code and the manifest. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import type { Profile } from '@lockstep/kernels';
import type { RunConfig } from '@lockstep/run';
import { type Manifest, readManifest, sha256 } from '@lockstep/tracking';

/** The file of the experiment's code in a run folder. */
export const bundleName = 'experiment.mjs';

/** The facts with which a run began. */
export interface KnownRun {
  readonly name: string;
  readonly config: RunConfig;
  readonly bundle: Uint8Array;
  /** SHA-256 of the bundle. */
  readonly hash: string;
  /** The path of the experiment's file when the run began. */
  readonly file: string;
}

/** Reads the manifest of a run, which may be in progress. Throws `checkpoint` when it is damaged. */
export async function readRunFolder(folder: string): Promise<KnownRun> {
  const { name, experiment, config } = readKnown(folder, await readManifest(folder));
  const { hash, file } = experiment;
  return { name, config, bundle: await readBundle(folder, hash), hash, file };
}

export interface KnownManifest {
  readonly name: string;
  readonly experiment: { readonly hash: string; readonly file: string };
  readonly config: RunConfig;
  readonly profile: Profile | 'auto';
}

export function readKnown(folder: string, manifest: Manifest): KnownManifest {
  const { name, experiment, config, profile } = manifest as Partial<KnownManifest>;
  if (name && experiment?.hash && experiment.file && typeof config?.numShards === 'number' && profile) {
    return { name, experiment, config, profile };
  }
  throw new LockstepError(
    'checkpoint',
    `${folder}: its manifest.json is not that of a training run; put the file back from a copy, or name another folder`,
    {
      folder,
    },
  );
}

export async function readBundle(folder: string, hash: string): Promise<Uint8Array> {
  const path = join(folder, bundleName);
  const bundle = await readFile(path).catch((cause: unknown) => {
    throw new LockstepError(
      'checkpoint',
      `${path} cannot be read: ${String(cause)}; without the experiment's code the run cannot go on: put the file back, or begin again with lockstep train`,
      { path },
      { cause },
    );
  });
  const actual = sha256(bundle);
  if (actual === hash) return bundle;
  throw new LockstepError(
    'checkpoint',
    `${path} has SHA-256 ${actual}, the run began with ${hash}; put the file back as it was; a changed experiment is a new run: use lockstep train`,
    { path, actual, expected: hash },
  );
}
