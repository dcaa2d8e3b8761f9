/** Checks that an experiment gives the same programs on every worker and at every start: it may read things that its code's hash does not cover. */

import type { ProgramHashes } from '../messages/messages.ts';
import { journal, log, type Turn, update } from './turn.ts';

/**
 * The names of the programs that differ between a worker and the run, or null. The first worker's programs become the run's.
 * Another build may trace other programs from the same experiment: these replace the run's, and an event reports it.
 */
export function comparePrograms(turn: Turn, hashes: ProgramHashes): readonly string[] | null {
  const { build } = turn.state.config;
  const { programs: known } = turn.state;
  // The length of a run is a constant of the update program only.
  const isOpen = (name: string): boolean => known?.isUpdateOpen === true && name === 'update';
  const differing = known === null ? [] : differences(known.hashes, hashes).filter((name) => !isOpen(name));
  if (known?.build === build && (differing.length > 0 || known.isUpdateOpen !== true)) {
    return differing.length === 0 ? null : differing;
  }
  if (known !== null && known.build !== build)
    log(turn, { type: 'buildDiffers', build, began: known.build, programs: differing });
  update(turn, { programs: { build, hashes } });
  journal(turn, { type: 'programs', build, hashes });
  return null;
}

function differences(one: ProgramHashes, other: ProgramHashes): readonly string[] {
  return Object.entries(one).flatMap(([name, hash]) =>
    hash === other[name as keyof ProgramHashes] ? [] : [name],
  );
}

export function programsDiffer(host: string, names: readonly string[]): string {
  return `the experiment's programs on ${host} differ from the run's (${names.join(', ')}): the experiment reads environment variables, files, a clock, Math.random or the host's name while it loads, or packages differ there; give the worker the same ones, or start a new run`;
}
