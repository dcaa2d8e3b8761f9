/** What makes two runs the same run. */
import { hashJson } from '@lockstep/tracking';
import type { RunRecord } from './record.ts';

/**
 * SHA-256 of what decides the result: parameters, configuration, seed, profile, programs, data and builds. Runs of one identity have one
 * result. The text of the experiment is no part of it, since the programs are what became of the text: a comment changes nothing.
 * Undefined until the run has begun to train, and for runs of releases that recorded less.
 */
export function identityOf(run: RunRecord): string | undefined {
  const { params, config, seed, profile, programs, data, builds } = run;
  const isKnown = seed !== undefined && profile !== undefined && data !== undefined && builds.length > 0;
  if (!isKnown || Object.keys(programs).length === 0) return undefined;
  return hashJson({ params, config, seed, profile, programs, data, builds });
}
