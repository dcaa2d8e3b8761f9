import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { histogram } from '@lockstep/tensor';
import { histograms, soundBytes } from '@lockstep/tensorboard';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEventFile } from './event-file.ts';
import type { Update } from './updates.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-events-'));
  path = join(folder, 'events.out.tfevents.lockstep');
});
afterEach(() => rmSync(folder, { recursive: true }));

const session = { hyperparameters: { rate: 0.1 }, metrics: ['test/loss'], group: 'g' };

const progress = (step: number, metrics: object): Update => ({
  ...{ type: 'progress', step },
  report: { metrics, chain: '' },
});

const unexpected = (error: unknown): never => {
  throw error;
};

function write(updates: readonly Update[], onFailed: (error: unknown) => void = unexpected): Buffer {
  const events = openEventFile({ path, session }, onFailed);
  for (const update of updates) events.update(update);
  events.close();
  return readFileSync(path);
}

/** What is in each record: step and tag with its value, read by the field numbers of TensorFlow's `event.proto`. */
function eventsIn(bytes: Buffer): readonly string[] {
  expect(soundBytes(bytes)).toBe(bytes.length);
  const events: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const data = bytes.subarray(at + 12, at + 12 + length);
    at += 16 + length;
    const text = data.toString('latin1');
    const name = /brain\.Event:2|_hparams_\/[a-z_]+|(?:train|test)\/[a-z]+/.exec(text)![0];
    // Field 2 of a scalar's value, a float, is behind its tag.
    const value = /^(?:train|test)/.test(name) ? data.readFloatLE(data.indexOf(name) + name.length + 1) : '';
    // Behind the wall time, which takes nine bytes, field 2 of the event is the step.
    const step = data[9] === 0x10 ? data[10] : '';
    events.push(`${step} ${name} ${value}`.trim());
  }
  return events;
}

const head = ['brain.Event:2', '_hparams_/experiment', '_hparams_/session_start_info'];

describe('an event file', () => {
  it('has scalars of steps and evaluations, and the end of the run', () => {
    const bytes = write([
      progress(1, { loss: 2.5 }),
      { type: 'checkpoint', step: 1 },
      progress(2, { loss: Number.NaN }),
      progress(3, {}),
      { type: 'evaluation', step: 3, final: true, report: { metrics: { 'test/loss': 1.5 } } },
      { type: 'done', outcome: { reason: 'finished', step: 3, fingerprint: 'f', result: {} } },
    ]);
    expect(eventsIn(bytes)).toEqual([
      ...head,
      '1 train/loss 2.5',
      '2 train/loss NaN',
      '3 test/loss 1.5',
      '_hparams_/session_end_info',
    ]);
  });

  it('has histograms with the edges of their bins', () => {
    const of = histogram(new Float32Array([-1, 0, 1, 1.25, Number.NaN]));
    const params = { '0/kernel': of };
    const bytes = write([
      {
        ...{ type: 'progress', step: 2, report: { metrics: {} } },
        histograms: { step: 2, params, gradients: {}, updates: params },
      },
    ]);
    const buckets = {
      ...{ min: -1, max: 1.25, count: 4, sum: 1.25, sumOfSquares: 3.5625 },
      // From −1 to 1 there are two bins in each of the 40 powers of two on either side, and one between them.
      limits: of.counts.map((_, i) => {
        const bin = i - 81;
        const edge = (at: number): number => 2 ** Math.floor((at - 81) / 2) * (at % 2 === 1 ? 1 : 1.5);
        return bin >= 0 ? edge(bin + 1) : -edge(-bin);
      }),
      counts: of.counts,
    };
    const wanted = histograms({ step: 2 }, { 'params/0/kernel': buckets, 'updates/0/kernel': buckets });
    // The summary is behind the step, which is behind the time of the event.
    const summary = Buffer.from(wanted).subarray(12 + 2, -4);
    expect(bytes.includes(summary)).toBe(true);
  });

  it('goes on after its last sound record, and does not end where a run is interrupted', () => {
    const interrupted: Update = { type: 'done', outcome: { reason: 'interrupted', step: 1 } };
    const first = write([progress(1, { loss: 2.5 }), interrupted]);
    appendFileSync(path, first.subarray(0, 20));
    expect(soundBytes(readFileSync(path))).toBe(first.length);
    const again = write([progress(2, { loss: 0.5 })]);
    expect(eventsIn(again)).toEqual([...head, '1 train/loss 2.5', '2 train/loss 0.5']);
  });

  it('is begun again where nothing of a file is sound', () => {
    writeFileSync(path, 'not a record');
    expect(eventsIn(write([]))).toEqual(head);
  });

  it('cannot be opened in a folder that is not there', () => {
    path = join(folder, 'none', 'x');
    expect(() => write([])).toThrow(expect.objectContaining({ code: 'file' }));
  });
});

function mount(at: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', at], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

it('loses records on a full disk, says so once, and goes on when there is room again', ({ skip }) => {
  if (!mount(folder)) skip('this process may not mount a file system');
  try {
    const failed: unknown[] = [];
    const filler = join(folder, 'filler');
    writeFileSync(filler, new Uint8Array(4096));
    const events = openEventFile({ path, session }, (error) => failed.push(error));
    let step = 1;
    for (; failed.length === 0; step++) events.update(progress(step, { loss: 1 }));
    for (let lost = 0; lost < 5; lost++, step++) events.update(progress(step, { loss: 2 }));
    expect(failed).toEqual([expect.objectContaining({ code: 'file' })]);
    const sound = readFileSync(path);
    rmSync(filler);
    events.update(progress(9, { loss: 3 }));
    events.close();
    const bytes = readFileSync(path);
    const kept = eventsIn(bytes.subarray(0, sound.length));
    expect(kept.filter((event) => event.endsWith('train/loss 1'))).toHaveLength(kept.length - head.length);
    expect(eventsIn(bytes).at(-1)).toBe('9 train/loss 3');
  } finally {
    execFileSync('umount', [folder]);
  }
});
