/** Training with worker processes of one thread each on this machine. Compared with torch/ddp.py. */
import { startRun } from '../processes/cluster.mjs';

const LEAST_SLICES = 3;

/** Reports to skip: one after the first step, then one a second. The engine compiles hot functions in this time. */
const WARM_UP_REPORTS = 5;

/**
 * Milliseconds per step, with one figure for each pair of consecutive reports; a run reports once a second.
 *
 * @param record what the run records of each step
 */
const stepTimes =
  (experiment, numWorkers, record = 'off') =>
  async ({ profile, seconds }) => {
    const workers = ['--workers', `${numWorkers}`, '--threads', '1'];
    const options = [...workers, '--profile', profile, '--record', record];
    const run = await startRun('train', experiment, options);
    try {
      await run.next('step');
      for (let i = 1; i < WARM_UP_REPORTS; i++) await run.next('step');
      let last = await run.next('step');
      const end = last.at + 1e3 * seconds;
      const slices = [];
      while (slices.length < LEAST_SLICES || last.at < end) {
        const { step, at } = await run.next('step');
        slices.push((at - last.at) / (step - last.step));
        last = { step, at };
      }
      return slices;
    } finally {
      await run.stop();
    }
  };

/** `size` is the batch size of all workers together. */
function workersGroup(name, what, experiment, size, torch, { withOne = false, withRecord = false } = {}) {
  return {
    name,
    rows: [{ name, what: `${what}, 2 workers, batch ${size / 2} each`, amount: size, unit: 'samples/s' }],
    contestants: {
      ours: { measure: stepTimes(experiment, 2) },
      ...(withOne && { '1 worker': { measure: stepTimes(experiment, 1) } }),
      ...(withRecord && { 'with a record': { measure: stepTimes(experiment, 2, 'full') } }),
      torch: { python: ['ddp.py', ...torch, '--batch', `${size / 2}`] },
    },
  };
}

export const workersGroups = [
  workersGroup('workers-mlp', 'MLP 784-512-256-10', 'mlp-256', 256, ['--model', 'mlp']),
  workersGroup('workers-wide', 'MLP 784-2800-2800-10', 'wide-256', 256, ['--model', 'wide']),
  workersGroup('workers-cnn', 'CNN, batch norm over both', 'cnn-128', 128, ['--model', 'cnn'], {
    withOne: true,
    withRecord: true,
  }),
];
