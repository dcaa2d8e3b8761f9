/** The event file of a run, which `tensorboard --logdir runs` finds. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EventFileOptions } from '@lockstep/coordinator';
import type { RunConfig } from '@lockstep/run';
import { hashJson } from '@lockstep/tracking';

interface Described {
  readonly folder: string;
  readonly name: string;
  readonly config: RunConfig;
  /** Metrics that the experiment declares. */
  readonly metrics?: readonly string[];
}

/** TensorBoard reads files whose name contains `tfevents`. */
const fileIn = (folder: string): string => join(folder, 'events.out.tfevents.lockstep');

export function eventFileOf({ folder, name, config, metrics = [] }: Described): EventFileOptions {
  const { params = {}, seed, ...settings } = config;
  const isSet = (entry: readonly [string, unknown]): entry is [string, string | number | boolean] =>
    ['string', 'number', 'boolean'].includes(typeof entry[1]);
  const hyperparameters = { ...Object.fromEntries(Object.entries(settings).filter(isSet)), seed, ...params };
  const tags = ['train', 'validation', 'test'].flatMap((split) =>
    ['loss', ...metrics].map((metric) => `${split}/${metric}`),
  );
  const group = hashJson({ name, settings, params }).slice(0, 16);
  return { path: fileIn(folder), session: { hyperparameters, metrics: tags, group } };
}

/** A run that has an event file goes on with it. */
export const existingEventFile = (described: Described): EventFileOptions | undefined =>
  existsSync(fileIn(described.folder)) ? eventFileOf(described) : undefined;
