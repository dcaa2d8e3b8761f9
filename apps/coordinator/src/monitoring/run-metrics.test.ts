import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatLine } from '@lockstep/tracking';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Update } from '../updates.ts';
import { type FamilyName, families } from './families.ts';
import { openRunMetrics, type RunMetrics } from './run-metrics.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-metrics-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (experiment = 'digits') =>
  openRunMetrics({
    ...{ folder, experiment, version: '0.1.0', build: 'b'.repeat(64), batchSize: 64, numShards: 4 },
    now: () => 5_000,
  });

/** Samples of one family, in their order. */
function values(metrics: RunMetrics, family: FamilyName): Record<string, number> {
  const lines = metrics.text().split('\n');
  const own = lines.filter((line) => line.startsWith(`${family}{`) || line.startsWith(`${family} `));
  return Object.fromEntries(
    own.map((line) => {
      const [, labels = '', value] = /^\w+(?:\{(.*)\})? (\S+)$/.exec(line)!;
      return [labels, Number(value)];
    }),
  );
}

const event = (one: Extract<Update, { type: 'event' }>['event']): Update => ({ type: 'event', event: one });
const joined = (worker: string): Update =>
  event({ type: 'joined', worker, host: 'here', pid: 1, threads: 1 });
const generation = (number: number, workers: readonly string[]): Update =>
  event({ type: 'generation', generation: number, step: 0, source: 'init', workers, profile: 'fma' });
const work = (worker: string, rank: number, step: number, stepMs: number, waitMs: number): Update => ({
  ...{ type: 'work', worker, generation: 1, step },
  work: { rank, shards: 2, stepMs, computeMs: stepMs - waitMs, waitMs, networkMs: 0.5, sentBytes: 10 },
});
const progress = (step: number, metrics: object, more = {}): Update => ({
  ...{ type: 'progress', step },
  report: { metrics, chain: '', totalSteps: 9, ...more },
});

describe('metrics of a run', () => {
  it('add up what members report', async () => {
    const metrics = await open();
    for (const update of [
      joined('a'),
      joined('b'),
      joined('c'),
      generation(1, ['a', 'b']),
      work('a', 0, 1, 10, 4),
      progress(1, { loss: 2, gradientNorm: 3, accuracy: 0.5 }),
      work('b', 1, 1, 12, 0),
      work('b', 1, 2, 8, 0),
      progress(2, { loss: 1.5, gradientNorm: 2.5, accuracy: 0.75, learningRate: 0.01 }),
      work('a', 0, 2, 9, 1),
      work('a', 0, 3, 9, 1),
      { type: 'evaluation', step: 2, final: false, report: { metrics: { 'validation/loss': 1.25 } } },
      { type: 'checkpoint', step: 2 },
      event({ type: 'lost', worker: 'b', reason: 'silent' }),
    ] satisfies Update[]) {
      metrics.see(update);
    }
    const expected: Partial<Record<FamilyName, Record<string, number>>> = {
      lockstep_step: { '': 2 },
      lockstep_target_steps: { '': 9 },
      lockstep_steps_total: { '': 2 },
      lockstep_loss: { '': 1.5 },
      lockstep_gradient_norm: { '': 2.5 },
      lockstep_learning_rate: { '': 0.01 },
      lockstep_step_metric: { 'metric="accuracy"': 0.75 },
      lockstep_evaluation_metric: { 'metric="validation/loss"': 1.25 },
      lockstep_evaluations_total: { '': 1 },
      // Step 2 took its slowest member 9 ms.
      lockstep_samples_per_second: { '': 64 / 0.009 },
      lockstep_worker_steps_total: { 'rank="0"': 3, 'rank="1"': 2 },
      lockstep_worker_step_seconds_total: { 'rank="0"': 28 / 1_000, 'rank="1"': 20 / 1_000 },
      lockstep_worker_compute_seconds_total: { 'rank="0"': 22 / 1_000, 'rank="1"': 20 / 1_000 },
      lockstep_worker_wait_seconds_total: { 'rank="0"': 6 / 1_000, 'rank="1"': 0 },
      lockstep_worker_sent_bytes_total: { 'rank="0"': 30, 'rank="1"': 20 },
      lockstep_workers: { '': 2 },
      lockstep_members: { '': 2 },
      lockstep_joins_total: { '': 3 },
      lockstep_checkpoints_total: { '': 1 },
      lockstep_checkpoint_step: { '': 2 },
      lockstep_last_step_timestamp_seconds: { '': 5 },
    };
    for (const [family, samples] of Object.entries(expected)) {
      expect([family, values(metrics, family as FamilyName)]).toEqual([family, samples]);
    }
    expect(values(metrics, 'lockstep_losses_total')).toMatchObject({
      'reason="silent"': 1,
      'reason="left"': 0,
    });
    // Steps 1 and 2, of 12 and 9 ms; step 3 goes on.
    const text = metrics.text();
    expect(text).toContain('lockstep_step_seconds_bucket{le="0.005"} 0\n');
    expect(text).toContain('lockstep_step_seconds_bucket{le="0.01"} 1\n');
    expect(text).toContain('lockstep_step_seconds_bucket{le="+Inf"} 2\n');
    expect(text).toContain(`lockstep_step_seconds_sum ${0.012 + 0.009}\nlockstep_step_seconds_count 2\n`);
  });

  it('go on after the sums of the logs of earlier processes', async () => {
    const lines = [
      { kind: 'work', step: 1, generation: 1, worker: 'a', rank: 0, stepMs: 10, waitMs: 1 },
      { kind: 'step', step: 1, metrics: { loss: 'NaN' }, nonFinite: ['loss'], totalSteps: 4 },
      { kind: 'work', step: 2, generation: 1, worker: 'a', rank: 0, stepMs: 10, waitMs: 1 },
      { kind: 'step', step: 2, metrics: { loss: 1 }, totalSteps: 4 },
      { kind: 'evaluation', step: 2, final: true, metrics: { 'test/loss': 3 } },
    ];
    writeFileSync(join(folder, 'metrics.jsonl'), lines.map(formatLine).join(''));
    const events = [
      { type: 'joined', worker: 'a' },
      { type: 'generation', generation: 1 },
      { type: 'lost', worker: 'a', reason: 'left' },
    ];
    writeFileSync(join(folder, 'events.jsonl'), events.map(formatLine).join(''));
    writeFileSync(join(folder, 'journal.jsonl'), formatLine({ type: 'checkpoint', step: 2 }));
    const metrics = await open();
    expect(values(metrics, 'lockstep_steps_total')).toEqual({ '': 2 });
    expect(values(metrics, 'lockstep_non_finite_steps_total')).toEqual({ '': 1 });
    expect(values(metrics, 'lockstep_workers')).toEqual({ '': 0 });
    expect(values(metrics, 'lockstep_checkpoint_step')).toEqual({ '': 2 });
    // Nothing has happened in this process.
    expect(values(metrics, 'lockstep_last_step_timestamp_seconds')).toEqual({});
    metrics.see(joined('new'));
    metrics.see(generation(2, ['new']));
    metrics.see(work('new', 0, 3, 10, 1));
    metrics.see(progress(3, { loss: Number.POSITIVE_INFINITY }));
    expect(values(metrics, 'lockstep_joins_total')).toEqual({ '': 2 });
    expect(values(metrics, 'lockstep_generation')).toEqual({ '': 2 });
    expect(values(metrics, 'lockstep_worker_steps_total')).toEqual({ 'rank="0"': 3 });
    expect(values(metrics, 'lockstep_worker_wait_seconds_total')).toEqual({ 'rank="0"': 3 / 1_000 });
    expect(metrics.text()).toContain('lockstep_loss +Inf\n');
  });

  it('have a bounded number of series, whatever is reported', async () => {
    const metrics = await open();
    for (let i = 0; i < 1_000; i++) {
      metrics.see(joined(`worker-${i}`));
      metrics.see(work(`worker-${i}`, i, 1, 1, 0));
      metrics.see(work(`worker-${i}`, -i - 0.5, 1, 1, 0));
      metrics.see(progress(i, { [`metric-${i}`]: i }));
    }
    const series = metrics.text().split('\n').length;
    expect(Object.keys(values(metrics, 'lockstep_worker_steps_total'))).toHaveLength(4);
    expect(series).toBeLessThan(400);
  });

  it('say whether steps are computed', async () => {
    const metrics = await open();
    expect(metrics.whyIdle()).toBe('the run waits for workers');
    metrics.see(generation(1, ['a']));
    expect(metrics.whyIdle()).toBeUndefined();
    metrics.see(event({ type: 'waiting' }));
    expect(metrics.whyIdle()).toBe('the run waits for workers');
    metrics.see(generation(2, ['b']));
    metrics.see({ type: 'done', outcome: { reason: 'interrupted', step: 3 } });
    expect(metrics.whyIdle()).toBe('the run has ended');
  });

  it('are text in which names with special characters are escaped', async () => {
    const metrics = await open('a "quoted"\\name\nof two lines');
    const lines = metrics.text().split('\n');
    expect(lines).toContainEqual(
      expect.stringContaining('experiment="a \\"quoted\\"\\\\name\\nof two lines"'),
    );
    const bare = /^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{(?:\w+="(?:[^"\\]|\\["\\n])*",?)*\})? \S+|)$/;
    for (const line of lines) expect(line).toMatch(bare);
  });
});

it('families have names with base units, as Prometheus wants them', () => {
  for (const [name, { type, help }] of Object.entries(families)) {
    expect(name).toMatch(/^(?:lockstep|process)_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(name).not.toMatch(/_(?:ms|milliseconds|kib|mib|percent)(?:_|$)/);
    expect(help).toMatch(/^[A-Z].*\.$/);
  }
});
