import type { Update } from '@lockstep/coordinator';
import { describe, expect, it } from 'vitest';
import { memberLines, waitingText } from './member-lines.ts';
import { createMemberTracker, type MemberTimes, waitingOf } from './member-times.ts';

/** Members that compute as long as given, and wait for the slowest. */
const members = (
  computeMs: readonly number[],
  hosts: readonly string[] = ['here'],
): readonly MemberTimes[] => {
  const slowest = Math.max(...computeMs);
  return computeMs.map((ms, rank) => ({
    ...{ rank, host: hosts[rank % hosts.length]!, stepMs: slowest + 4 },
    ...{ computeMs: ms, waitMs: slowest - ms, networkMs: 4 },
  }));
};

describe('lines of members', () => {
  it('show how each spends a step, and for whom the others wait', () => {
    expect(memberLines(members([26, 36, 26]), 100)).toEqual([
      '  40 ms a step, 2 members wait 10 ms for rank 1   █ compute ▒ wait ░ network',
      '  0 █████████████▒▒▒▒▒░░ 26 ms  1 ██████████████████░░ 36 ms  2 █████████████▒▒▒▒▒░░ 26 ms',
    ]);
  });

  it.each([
    [3, 39],
    [8, 39],
    [8, 79],
    [8, 199],
    [17, 79],
    [64, 79],
    [64, 199],
    [2, 20],
    [2, 12],
  ])('of %d fit into %d characters and a few rows', (count, width) => {
    const lines = memberLines(members(Array.from({ length: count }, (_, i) => 20 + ((7 * i) % 11))), width);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    expect(lines.length).toBeLessThanOrEqual(5);
    expect(lines.length).toBeGreaterThan(1);
  });

  it('leave out details where there is little room', () => {
    const eight = members([20, 20, 20, 36, 20, 20, 20, 20]);
    expect(memberLines(eight, 39)).toEqual([
      '  40 ms a step, 16 ms for rank 3',
      '  0 ███▒▒░  1 ███▒▒░  2 ███▒▒░',
      '  3 █████░  4 ███▒▒░  5 ███▒▒░',
      '  6 ███▒▒░  7 ███▒▒░',
    ]);
    const many = memberLines(members(Array.from({ length: 64 }, (_, i) => 20 + (i % 2))), 60);
    expect(many[1]).toBe('  compute 20 to 21 ms, wait 0.0 to 1.0 ms');
  });

  it('say nothing of a run with one member', () => {
    expect(memberLines(members([26]), 100)).toEqual([]);
    expect(waitingText(members([26]))).toBe('');
  });

  it('name the machine where there are several', () => {
    const [head] = memberLines(members([26, 36], ['a', 'b']), 100);
    expect(head).toContain('1 member waits 10 ms for rank 1 on b');
    expect(waitingText(members([26, 36, 26]))).toBe('others wait 10 ms of 40 ms for rank 1');
  });

  it('name nobody where all wait about equally long', () => {
    expect(waitingOf(members([35, 36, 35.5]))).toBeUndefined();
    expect(memberLines(members([35, 36, 35.5]), 100)[0]).toContain(
      '40 ms a step, 3 members wait about equally',
    );
  });
});

describe('times of members', () => {
  const generation = (...workers: readonly string[]): Update => ({
    type: 'event',
    event: { type: 'generation', generation: 1, step: 0, source: 'init', workers, profile: 'fma' },
  });
  const work = (worker: string, rank: number, computeMs: number): Update => ({
    ...{ type: 'work', worker, generation: 1, step: 1 },
    work: { rank, shards: 4, stepMs: 50, computeMs, waitMs: 1, networkMs: 1 },
  });

  it('are means in which later steps count more, of the members of the last generation alone', () => {
    const tracker = createMemberTracker();
    tracker.see(generation('a', 'b'));
    for (let i = 0; i < 200; i++) tracker.see(work('b', 1, 10));
    for (let i = 0; i < 20; i++) tracker.see(work('b', 1, 20));
    tracker.see(work('a', 0, 5));
    tracker.see(work('gone', 2, 5));
    expect(tracker.members().map(({ rank }) => rank)).toEqual([0, 1]);
    expect(tracker.members()[0]!.computeMs).toBeCloseTo(5);
    expect(tracker.members()[1]!.computeMs).toBeGreaterThan(15);
    expect(tracker.members()[1]!.computeMs).toBeLessThan(20);
    tracker.see(generation('b', 'c'));
    expect(tracker.members()).toEqual([]);
    tracker.see(work('b', 0, 8));
    expect(tracker.members()).toMatchObject([{ rank: 0, computeMs: 8 }]);
  });
});
