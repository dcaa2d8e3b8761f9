import { describe, expect, it } from 'vitest';
import { type LogEntry, timelineOf } from './timeline.ts';

const at = (seconds: number): string => new Date(1_000 * seconds).toISOString();

const journal: readonly LogEntry[] = [
  { type: 'started', time: at(0) },
  { type: 'generation', generation: 1, members: [{ worker: 'a', shards: { count: 8 } }] },
  {
    type: 'generation',
    generation: 2,
    members: [
      { worker: 'a', shards: { count: 5 } },
      { worker: 'b', shards: { count: 3 } },
    ],
  },
];

const joined = (worker: string, seconds: number, pid: number): LogEntry => ({
  ...{ time: at(seconds), type: 'joined', worker, host: 'h', pid, threads: 2 },
});

const generation = (number: number, seconds: number, step: number, ...workers: string[]): LogEntry => ({
  ...{ time: at(seconds), type: 'generation', generation: number, step, source: 'init', workers },
});

const events = [
  joined('a', 1, 11),
  generation(1, 2, 0, 'a'),
  joined('b', 3, 12),
  generation(2, 4, 20, 'a', 'b'),
  { time: at(6), type: 'lost', worker: 'b', reason: 'silent' },
  { time: at(7), type: 'nonFinite', step: 31 },
];

describe('timelineOf', () => {
  it('has a line for each worker, with its memberships', () => {
    const { workers, sessions, generations } = timelineOf(events, journal, false);
    expect(sessions).toEqual([{ from: 0, to: 7_000 }]);
    expect(workers).toEqual([
      {
        ...{ worker: 'a', host: 'h', pid: 11, threads: 2 },
        connected: [{ from: 1_000, to: 7_000 }],
        memberships: [
          { generation: 1, rank: 0, shards: 8, from: 2_000, to: 4_000 },
          { generation: 2, rank: 0, shards: 5, from: 4_000, to: 7_000 },
        ],
      },
      {
        ...{ worker: 'b', host: 'h', pid: 12, threads: 2 },
        connected: [{ from: 3_000, to: 6_000, ending: 'silent' }],
        memberships: [{ generation: 2, rank: 1, shards: 3, from: 4_000, to: 6_000 }],
      },
    ]);
    expect(generations).toEqual([
      { generation: 1, step: 0, time: 2_000, worldSize: 1, source: 'init' },
      { generation: 2, step: 20, time: 4_000, worldSize: 2, source: 'init' },
    ]);
  });

  it('goes on while the run does', () => {
    const { workers, sessions } = timelineOf(events, journal, true);
    expect(sessions).toEqual([{ from: 0 }]);
    expect(workers[0]!.connected).toEqual([{ from: 1_000 }]);
    expect(workers[0]!.memberships.at(-1)!.to).toBeUndefined();
  });

  it('marks losses and what went wrong', () => {
    expect(timelineOf(events, journal, false).marks).toEqual([
      { kind: 'loss', time: 6_000, worker: 'b', text: 'lost: silent' },
      { kind: 'end', time: 7_000, text: 'step 31 is not finite' },
    ]);
  });

  it('ends the connections of a session with it', () => {
    const resumed = [...events, joined('c', 101, 13), generation(3, 102, 30, 'c')];
    const { workers, sessions } = timelineOf(resumed, [...journal, { type: 'started', time: at(100) }], true);
    expect(sessions).toEqual([{ from: 0, to: 7_000 }, { from: 100_000 }]);
    expect(workers.map(({ connected }) => connected.at(-1)!.to)).toEqual([7_000, 6_000, undefined]);
  });

  it('is empty without logs, and leaves out what is damaged', () => {
    const nothing = { sessions: [], workers: [], generations: [], marks: [] };
    expect(timelineOf([], [], false)).toEqual(nothing);
    const damaged = [
      { type: 'joined' },
      { time: 'never', type: 'lost' },
      { time: at(1), type: 'generation', workers: [1, null] },
    ];
    expect(timelineOf(damaged, [{ type: 'generation', members: [null] }], false).workers).toEqual([]);
  });
});
