import { expect, it } from 'vitest';
import { recordingStream } from '../fixtures/recording.ts';
import { createJsonDisplay } from './json.ts';

const config = {
  seed: 1,
  numShards: 8,
  batchSize: 256,
  epochs: null,
  steps: 4,
  limitSamples: null,
  fingerprintEvery: 50,
  checkpointEvery: 200,
};

it('writes one object a line: every step with a hash and the chain, and other steps once a second', () => {
  const out = recordingStream();
  let time = 0;
  const display = createJsonDisplay(out, () => time);
  const places = { endpoint: 'tcp://0.0.0.0:1', join: 'tcp://10.0.0.5:1' };
  display.started({
    name: 'n',
    run: 'runs/r',
    ...places,
    config,
    localWorkers: 2,
    threads: 1,
    minWorkers: 2,
  });
  display.note('a line');
  display.update({ type: 'event', event: { type: 'lost', worker: 'w0', reason: 'silent' } });
  for (let step = 1; step <= 4; step++) {
    time = 400 * step;
    const hashes = { 2: { fingerprint: 'f'.repeat(64) }, 3: { stateHash: 's'.repeat(64) } }[step];
    display.update({
      type: 'progress',
      step,
      report: { metrics: { loss: step }, totalSteps: 4, chain: step < 2 ? '' : 'c' },
      ...hashes,
    });
  }
  display.update({
    type: 'evaluation',
    step: 4,
    final: true,
    report: { metrics: { 'test/loss': Number.NaN } },
  });
  display.ended({
    type: 'done',
    steps: 4,
    profile: 'portable',
    ...{ fingerprint: 'f'.repeat(64), chain: 'c' },
    metrics: { 'test/loss': 0.5 },
    samplesPerSecond: 12.5,
    run: 'runs/r',
  });
  const lines = out.text().trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { event: 'started', name: 'n', run: 'runs/r', ...places, seed: 1, numShards: 8, workers: 2, threads: 1 },
    { event: 'note', message: 'a line' },
    { event: 'lost', worker: 'w0', reason: 'silent' },
    { event: 'step', step: 1, totalSteps: 4, metrics: { loss: 1 } },
    { event: 'step', step: 2, fingerprint: 'f'.repeat(64), chain: 'c' },
    { event: 'step', step: 3, stateHash: 's'.repeat(64), chain: 'c' },
    { event: 'evaluation', step: 4, final: true, metrics: { 'test/loss': 'NaN' } },
    { event: 'done' },
  ]);
  expect(JSON.parse(lines[3]!)).not.toHaveProperty('chain');
  expect(lines.at(-1)).toBe(
    `{"event":"done","steps":4,"profile":"portable","fingerprint":"${'f'.repeat(64)}","chain":"c","metrics":{"test/loss":0.5},"samplesPerSecond":12.5,"run":"runs/r"}`,
  );
});

it('writes notices with their facts', () => {
  const out = recordingStream();
  const notice = { type: 'checkpointSkipped', message: 'passed over', facts: { step: 20 } } as const;
  createJsonDisplay(out).update({ type: 'notice', notice });
  expect(JSON.parse(out.text())).toEqual({ event: 'checkpointSkipped', step: 20, message: 'passed over' });
});

it.each([
  [{ type: 'interrupted', step: 3, run: 'r' } as const, { event: 'interrupted', step: 3, run: 'r' }],
  [
    { type: 'failed', error: { code: 'shape', message: 'm', facts: {} }, step: 2, run: 'r' } as const,
    { event: 'failed', code: 'shape', message: 'm', step: 2, run: 'r' },
  ],
  [
    { type: 'stoppedNonFinite', step: 4, cause: 'step', what: ['loss'], message: 'log', run: 'r' } as const,
    { event: 'stoppedNonFinite', step: 4, cause: 'step', what: ['loss'], message: 'log', run: 'r' },
  ],
])('ends with %j', (ending, line) => {
  const out = recordingStream();
  createJsonDisplay(out).ended(ending);
  expect(JSON.parse(out.text())).toEqual(line);
});

it('writes what is not finite, whether the run stops or goes on', () => {
  const out = recordingStream();
  const display = createJsonDisplay(out);
  display.update({ type: 'event', event: { type: 'nonFinite', cause: 'step', step: 4, what: ['loss'] } });
  const facts = { step: 5, what: ['gradient of w'] };
  display.update({ type: 'notice', notice: { type: 'nonFinite', message: 'step 5', facts } });
  const lines = out.text().trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { event: 'nonFinite', cause: 'step', step: 4, what: ['loss'] },
    { event: 'nonFinite', step: 5, what: ['gradient of w'], message: 'step 5' },
  ]);
});
