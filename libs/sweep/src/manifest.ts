/** `sweep.json`: what was fixed when a sweep began, and how many trials were added since. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import type { SweepProfile } from './definition.ts';
import type { SweepDescription } from './description.ts';

export interface SweepManifest {
  readonly schemaVersion: 1;
  readonly name: string;
  /** The path of the sweep's file. */
  readonly file: string;
  readonly experiment: { readonly file: string; readonly hash: string };
  /** As the file was when the sweep began. */
  readonly sweep: SweepDescription;
  /** The number of trials in place of that of `sweep`, where trials were added later. */
  readonly trials?: number;
  readonly profile: SweepProfile;
  readonly createdAt: string;
}

/** The names of files in the folder of a sweep. */
export const sweepFiles = {
  manifest: 'sweep.json',
  journal: 'journal.jsonl',
  table: 'table.jsonl',
  runs: 'runs',
  /** The folder of wishes to cancel a trial: a file for each, named by the trial's number. */
  cancelled: 'cancelled',
} as const;

/** The number of trials that the sweep has now. */
export const numTrialsOf = ({ sweep, trials = sweep.trials }: SweepManifest): number => trials;

/**
 * Reads the manifest of a sweep.
 *
 * @throws LockstepError `config` for a folder that is not that of a sweep, and for a manifest that is damaged
 */
export async function readSweepManifest(folder: string): Promise<SweepManifest> {
  const path = join(folder, sweepFiles.manifest);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new LockstepError(
      'config',
      `${folder} is not the folder of a sweep: ${path} cannot be read (${String(cause)}); name the folder that lockstep sweep has printed`,
      { folder },
      { cause },
    );
  });
  const manifest = parsedOrUndefined(text);
  if (manifest?.schemaVersion === 1 && manifest.sweep && manifest.experiment && manifest.profile)
    return manifest;
  throw new LockstepError(
    'config',
    `${path} is not the manifest of a sweep, or was damaged: put it back from a copy, or begin the sweep again`,
    { path },
  );
}

function parsedOrUndefined(text: string): SweepManifest | undefined {
  try {
    return Object(JSON.parse(text)) as SweepManifest;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
