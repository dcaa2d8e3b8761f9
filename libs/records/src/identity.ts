/** What makes two runs the same run. */
import { hashJson } from '@lockstep/tracking';
import type { RunRecord } from './record.ts';

/**
 * SHA-256 of what decides the result: parameters, configuration, seed, profile, programs, data, builds, and for a branch the state with
 * which it begins. Runs of one identity have one result. The text of the experiment is no part of it, since the programs are what became of the text: a comment changes nothing.
 * Undefined until the run has begun to train, and for runs of releases that recorded less.
 */
export function identityOf(run: RunRecord): string | undefined {
  const { params, config, seed, profile, programs, data, builds, parent } = run;
  const isKnown = seed !== undefined && profile !== undefined && data !== undefined && builds.length > 0;
  if (!isKnown || Object.keys(programs).length === 0) return undefined;
  // A run goes by what its parent computed, not by the name of its folder.
  const begins = parent && { step: parent.step, stateHash: parent.stateHash, chain: parent.chain };
  return hashJson({ params, config, seed, profile, programs, data, builds, begins });
}
