/** What leaves the cluster of a run: checkpoints, the result, and the name of the operation that is not finite. */
import { toWireError } from '@lockstep/errors';
import { cutFrames, type WorkerEffect } from '@lockstep/protocol';
import { checkpointFacts } from '@lockstep/run';
import type { WorkerProcess } from '../worker-process.ts';
import type { Run } from './run.ts';

type Effect<Type extends WorkerEffect['type']> = Extract<WorkerEffect, { type: Type }>;
type Host = Pick<WorkerProcess, 'send' | 'raise'>;

/** Sends the current state to the coordinator, copied before this returns. */
export function saveCheckpoint(
  { send, raise }: Host,
  { replica, config, dataset, nonFiniteRule }: Run,
  { step }: Effect<'checkpoint'>,
  profile: string,
): void {
  if (!isSound({ raise }, { replica, nonFiniteRule }, step)) return;
  // The hash of the state contains the work for the fingerprint.
  const stateHash = replica.stateHash();
  const fingerprint = replica.fingerprint();
  const { header, metadata } = checkpointFacts({
    ...{ step, seed: config.seed, profile, fingerprint, stateHash, progress: replica.progress, dataset },
  });
  const frames = cutFrames(replica.encode(metadata));
  const lengths = frames.map((frame) => frame.byteLength);
  send({ type: 'checkpoint', step, header, frames: lengths }, frames);
}

export function finishRun({ raise }: Pick<Host, 'raise'>, run: Run, { step }: Effect<'finish'>): void {
  if (!isSound({ raise }, run, step)) return;
  const { replica, tally } = run;
  const { finalMetrics: metrics, samplesPerSecond } = tally;
  const result = { metrics, samplesPerSecond, chain: replica.progress.chain };
  raise({ type: 'finishDone', fingerprint: replica.fingerprint(), result });
}

/** Tells of a state that is not finite, which must neither be saved nor given as the run's result. */
function isSound(
  { raise }: Pick<Host, 'raise'>,
  { replica, nonFiniteRule }: Pick<Run, 'replica' | 'nonFiniteRule'>,
  step: number,
): boolean {
  const broken = nonFiniteRule === 'warn' ? undefined : replica.firstNonFinite();
  if (broken !== undefined) raise({ type: 'nonFinite', found: { cause: 'state', step, what: [broken] } });
  return broken === undefined;
}

/** Looks for the operation that is not finite. The run ends without its name if the search fails. */
export function search({ raise }: Pick<Host, 'raise'>, run: Run, { step }: Effect<'search'>): void {
  run.jobs.add(async () => {
    const message = await run
      .search(step)
      .catch((error: unknown) => `the operation could not be named: ${toWireError(error).message}`);
    raise({ type: 'searched', step, message });
  });
}
