/** `--trace` records what every rank and thread did, and when. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../cluster/harness/cluster.ts';
import { startCommand } from '../cluster/harness/command.ts';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly cat?: string;
  readonly id?: string | number;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args: { readonly name?: string; readonly step?: number; readonly bytes?: number };
}

const numSteps = 12;

async function traced(): Promise<readonly TraceEvent[]> {
  const runRoot = await temporaryFolder();
  const file = join(runRoot, 'trace.json');
  const workers = ['--workers', '2', '--threads', '2', '--steps', `${numSteps}`];
  const command = startCommand([
    ...['train', 'test/cluster/experiments/wide.ts', ...workers],
    ...['--trace', file, '--run-root', runRoot, '--json'],
  ]);
  expect(await command.exited, command.errors()).toBe(0);
  return JSON.parse(readFileSync(file, 'utf8')) as TraceEvent[];
}

it('a run of two workers leaves a trace of both, in which the work of a thread adds up', async () => {
  const events = await traced();
  const names = (of: string): string[] =>
    events.filter(({ name }) => name === of).map(({ args }) => args.name!);
  expect(names('process_name').map((name) => name.slice(0, 6))).toEqual(
    expect.arrayContaining(['rank 0', 'rank 1']),
  );
  expect(names('thread_name').sort()).toEqual(
    ['compute thread 0', 'compute thread 1', 'exchanges', 'steps'].flatMap((name) => [name, name]),
  );

  for (const pid of [1, 2]) {
    const spans = events.filter((event) => event.ph === 'X' && event.pid === pid);
    const ofTrack = (tid: number): TraceEvent[] =>
      spans.filter((span) => span.tid === tid).sort((a, b) => a.ts - b.ts);
    // Spans of a thread do not overlap, up to the resolution of the clock.
    for (const tid of [0, 1, 2]) {
      for (const [i, { ts, dur }] of ofTrack(tid).slice(0, -1).entries()) {
        expect(ofTrack(tid)[i + 1]!.ts).toBeGreaterThanOrEqual(ts + dur - 1);
      }
    }
    const steps = ofTrack(0);
    expect(steps.map(({ args }) => args.step)).toEqual(Array.from({ length: numSteps }, (_, i) => i + 1));
    const first = ofTrack(1);
    for (const { ts, dur, args } of steps.slice(1)) {
      const within = first.filter(
        (span) => span.args.step === args.step && !span.name.startsWith('evaluate'),
      );
      const inStep = within.filter((span) => span.ts >= ts - 1 && span.ts + span.dur <= ts + dur + 1);
      expect(inStep.map(({ name }) => name)).toEqual(expect.arrayContaining(['segment 1', 'update']));
      // Between work and waiting there are only gaps that are too short to be shown.
      for (const [i, next] of inStep.slice(1).entries()) {
        expect(next.ts - (inStep[i]!.ts + inStep[i]!.dur)).toBeLessThan(20 + 1);
      }
    }
    const begun = events.filter((event) => event.ph === 'b' && event.pid === pid);
    const ends = new Map(events.filter(({ ph }) => ph === 'e').map((event) => [event.id, event.ts]));
    // A step has two buckets, an evaluation one.
    const buckets = begun.filter(({ name }) => name === 'exchange 1.1' || name === 'exchange 1.2');
    expect(buckets).toHaveLength(2 * numSteps);
    for (const { id, ts } of begun) expect(ends.get(id)!).toBeGreaterThanOrEqual(ts);
    expect(buckets[0]!.args.bytes).toBeGreaterThan(1 << 20);
  }

  // A line joins the same step of both workers.
  const lines = events.filter(({ cat }) => cat === 'step').map(({ ph, id }) => `${ph}${id}`);
  expect(new Set(lines)).toEqual(
    new Set(Array.from({ length: numSteps }, (_, i) => [`s${i + 1}`, `t${i + 1}`]).flat()),
  );
});

it('a trace that cannot be written is a mistake in the command line', async () => {
  const runRoot = await temporaryFolder();
  const experiment = 'test/cluster/experiments/tiny.ts';
  const options = ['--trace', join(runRoot, 'nowhere', 'trace.json'), '--run-root', runRoot];
  const command = startCommand(['train', experiment, ...options]);
  expect(await command.exited).toBe(2);
  expect(command.errors()).toMatch(/the trace .* cannot be written/);
});
