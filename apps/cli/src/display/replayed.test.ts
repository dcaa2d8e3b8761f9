import { expect, it } from 'vitest';
import { recordingStream } from '../fixtures/recording.ts';
import type { Replayed } from './display.ts';
import { createJsonDisplay } from './json.ts';
import { createPeopleDisplay } from './people.ts';

const identical: Replayed = {
  ...{ type: 'replayed', run: 'runs/r', from: 0, to: 940, parting: undefined, isInterrupted: false },
  compared: { steps: 940, fingerprints: 96, evaluations: 4, digests: 0 },
  ...{ unrecorded: 0, changes: [], workers: 1, seconds: 11.2 },
};

function linesOf(found: Partial<Replayed>): readonly string[] {
  const out = recordingStream();
  createPeopleDisplay(out).ended({ ...identical, ...found });
  return out.text().trimEnd().split('\n');
}

it('says what was compared', () => {
  expect(linesOf({})).toEqual([
    '  ✓ identical: 940 steps, 96 fingerprints, 4 evaluations in 0:12 on 1 worker   run runs/r',
    '    unchanged since: data, program, build',
  ]);
  const counts = { steps: 1, fingerprints: 0, evaluations: 0, digests: 12 };
  const stop = { step: 42, what: ['loss'] };
  expect(linesOf({ from: 40, compared: counts, stop, unrecorded: 2, kept: 'kept/r', workers: 3 })).toEqual([
    '  ✓ identical: 1 step after step 40, 12 digests, the stop at step 42 (loss) in 0:12 on 3 workers   run runs/r',
    '    not compared: 2 steps without a record',
    '    unchanged since: data, program, build',
    '    the replay is in kept/r',
  ]);
  expect(linesOf({ isInterrupted: true })).toEqual([
    '  ■ stopped; identical so far: 940 steps, 96 fingerprints, 4 evaluations   run runs/r',
  ]);
});

const hash = (digit: string): string => digit.repeat(64);
const parted: Partial<Replayed> = {
  compared: { steps: 36, fingerprints: 3, evaluations: 0, digests: 0 },
  parting: { step: 37, what: 'loss', recorded: 0.34123456, computed: 0.34123457 },
  changes: [
    { what: 'data', recorded: hash('1'), found: hash('2') },
    { what: 'program', recorded: hash('3'), found: hash('4'), programs: ['step', 'update'] },
  ],
};

it('says where the run parts, with every digit, and what has changed', () => {
  expect(linesOf(parted)).toEqual([
    '  ✗ parts at step 37: loss 0.34123456 recorded, 0.34123457 computed   run runs/r',
    '    identical before: 36 steps, 3 fingerprints',
    '    changed since: data, 11111111…1111, now 22222222…2222; program (step, update), 33333333…3333, now 44444444…4444',
    '    find the cause with: lockstep diff runs/r',
  ]);
  const fingerprints = { step: 50, what: 'fingerprint', recorded: hash('5'), computed: null };
  expect(linesOf({ parting: fingerprints })[0]).toContain(
    'parts at step 50: fingerprint 55555555…5555 recorded, none computed',
  );
});

it('ends JSON with one line', () => {
  const out = recordingStream();
  const display = createJsonDisplay(out);
  for (const found of [identical, { ...identical, ...parted }, { ...identical, isInterrupted: true }])
    display.ended(found);
  const lines = out.text().trimEnd().split('\n');
  expect(lines[0]).toMatch(/^\{"event":"done","identical":true,"steps":940,"fingerprints":96,/);
  expect(lines[1]).toMatch(/^\{"event":"done","identical":false,"steps":36,.*"step":37,"what":"loss",/);
  expect(lines[2]).toMatch(/^\{"event":"interrupted","identical":true,"steps":940,/);
});
