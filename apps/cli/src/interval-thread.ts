/** A thread that computes intervals of a recorded run, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { invariant, toWireError } from '@lockstep/errors';
import { checkPart, diffPart, type Interval, openRecordedRun, readEvidence } from '@lockstep/replay';
import { buildHash } from '@lockstep/worker';
import type { IntervalAnswer, IntervalThreadData } from './interval-threads.ts';

const { folder, task } = workerData as IntervalThreadData;
const port = parentPort;
invariant(port !== null, 'a thread for intervals is started by its command');
const answer = (message: IntervalAnswer<unknown>): void => port.postMessage(message);

const compute = { diff: diffPart, verify: checkPart }[task];
const opened = open();
// The error is the answer to the first interval.
opened.catch(() => undefined);

async function open() {
  const run = await openRecordedRun(folder, { build: buildHash() });
  return { run, evidence: await readEvidence(run) };
}

async function carryOut(interval: Interval): Promise<void> {
  try {
    const { run, evidence } = await opened;
    answer({ result: await compute(run, evidence, interval, { onStep: (step) => answer({ step }) }) });
  } catch (error) {
    answer({ error: toWireError(error) });
  }
}

port.on('message', (interval: Interval) => void carryOut(interval));
