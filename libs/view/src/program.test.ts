import { expect, it } from 'vitest';
import { GrowingProgram, type TraceEvent } from './program.ts';

/** One step of one worker that begins at `ts`, as a coordinator writes it: the step's own span comes last. */
function stepOf(pid: number, step: number, ts: number, stretch = 1): readonly TraceEvent[] {
  const span = (name: string, at: number, dur: number, tid = 1): TraceEvent => ({
    ...{ name, ph: 'X', pid, tid, ts: ts + at * stretch, dur: dur * stretch, args: { step } },
  });
  const id = `${pid}.${step}`;
  return [
    span('segment 1', 0, 4_000),
    { name: 'exchange 1.1', ph: 'b', id, pid, ts: ts + 4_000 * stretch, args: { step, bytes: 132 } },
    span('waiting', 4_000, 500),
    { name: 'exchange 1.1', ph: 'e', id, pid, ts: ts + 4_500 * stretch },
    span('segment 2', 4_500, 1_500),
    span('update', 6_000, 1_000),
    span(`step ${step}`, 0, 7_000, 0),
    { name: 'step', ph: 't', id: step, pid, tid: 0, ts },
  ];
}

it('has the mean place and time of each part of a step, without the first step', () => {
  const program = new GrowingProgram();
  const events = [...stepOf(1, 1, 0, 50), ...stepOf(1, 2, 1e6), ...stepOf(2, 2, 1e6, 3)];
  for (const event of events) program.add(event);
  expect(program.get()).toEqual([
    { name: 'segment 1', kind: 'segment', beginMs: 0, durationMs: 8, bytes: 0 },
    { name: 'exchange 1.1', kind: 'exchange', beginMs: 8, durationMs: 1, bytes: 132 },
    { name: 'segment 2', kind: 'segment', beginMs: 9, durationMs: 3, bytes: 0 },
    { name: 'update', kind: 'update', beginMs: 12, durationMs: 2, bytes: 0 },
  ]);
});

it('leaves out what has no step, and events that are damaged', () => {
  const program = new GrowingProgram();
  for (const event of [
    {},
    { name: 'segment 1' },
    { ph: 'e', ts: 1, name: 'exchange', id: 'x' },
    ...stepOf(1, 2, 0).slice(0, 3),
  ]) {
    program.add(event);
  }
  expect(program.isEmpty).toBe(true);
});
