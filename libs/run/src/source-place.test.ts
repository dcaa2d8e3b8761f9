import { addOrigin, LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import { atSource, placed, placedLater, placeInSource } from './source-place.ts';

const hash = 'a'.repeat(64);
const file = `/cache/${hash.slice(0, 32)}.mjs`;

const lines = [
  '// what esbuild writes',
  'var loss = () => w.log();',
  'var points_default = defineExperiment({',
  '  data,',
  '  loss,',
  '  metrics: {',
  '    "mean+1": () => mean(o)',
  '  }',
  '});',
];
// The map, in base 64: from line 2 on, column 1 of each line of the bundle is column 1 of that source line, 10 lines
// down.
const map = {
  version: 3,
  sources: ['../../../a/points.ts'],
  names: [],
  mappings: `;AAWA${';AACA'.repeat(7)}`,
};
const encoded = Buffer.from(JSON.stringify(map)).toString('base64');
const text = `${lines.join('\n')}\n//# sourceMappingURL=data:application/json;base64,${encoded}\n`;
const source = { bundle: Buffer.from(text), hash };

const defined = `Error\n    at file://${file}:3:22`;

function thrown(message: string, ...frames: readonly string[]): Error {
  const error = new LockstepError('shape', message, { fact: 1 });
  error.stack = [`LockstepError: ${message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n');
  return error;
}

describe('atSource', () => {
  it('puts the innermost line of the user’s files first, and keeps code and facts', () => {
    const error = thrown(
      'm',
      'log (/libs/ops.js:2:1)',
      `loss (file://${file}:2:18)`,
      `Object.<anonymous> (${file}:7:1)`,
    );
    expect(atSource(error, source)).toMatchObject({
      code: 'shape',
      message: 'a/points.ts:12:1: m',
      facts: { fact: 1, place: 'a/points.ts:12:1' },
      cause: error,
    });
  });

  it("reads the cause's stack first, and no line of a message as a frame", () => {
    const cause = thrown(`m\n  ${file}:9:1`, `loss (${file}:2:18)`);
    const outer = thrown('layer 1: m', `within (${file}:8:1)`);
    outer.cause = cause;
    expect(atSource(outer, source)).toMatchObject({ message: 'a/points.ts:12:1: layer 1: m' });
  });

  it('gives errors of user code the code experiment, and keeps other codes', () => {
    const error = new TypeError('x.lgo is not a function');
    error.stack = `TypeError: ${error.message}\n    at loss (${file}:2:18)`;
    expect(atSource(error, source)).toMatchObject({ code: 'experiment' });
    const ours = new TypeError('no bug of the user');
    expect(atSource(ours, source, defined)).toBe(ours);
    expect(atSource('a string', source, defined)).toBe('a string');
  });

  it('falls back to the place where a layer was made, the field of the error, and the call', () => {
    const made = thrown('m');
    addOrigin(made, { made: `Error\n    at dense (/libs/dense.js:1:1)\n    at ${file}:4:3` });
    addOrigin(made, { made: `Error\n    at ${file}:9:1`, field: ['loss'] });
    expect(atSource(made, source, defined)).toMatchObject({ message: 'a/points.ts:14:1: m' });
    const about = (...field: readonly string[]): unknown => {
      const error = thrown('m');
      addOrigin(error, { field });
      return atSource(error, source, defined);
    };
    expect(about('loss')).toMatchObject({ message: 'a/points.ts:15:1: m' });
    expect(about('metrics', 'mean+1')).toMatchObject({ message: 'a/points.ts:17:1: m' });
    expect(about('metrics', 'mean')).toMatchObject({ message: 'a/points.ts:16:1: m' });
    expect(about('dat')).toMatchObject({ message: 'a/points.ts:13:1: m' });
  });

  it('returns the error unchanged if the bundle has no map', () => {
    const error = thrown('m', `loss (${file}:2:18)`);
    expect(atSource(error, { bundle: Buffer.from(lines.join('\n')), hash })).toBe(error);
  });
});

describe('placed', () => {
  const fail = (): never => {
    throw thrown('m', `loss (${file}:2:18)`);
  };

  it('adds places to synchronous and asynchronous errors', async () => {
    expect(
      placed(
        source,
        () => undefined,
        () => 7,
      ),
    ).toBe(7);
    expect(() => placed(source, () => undefined, fail)).toThrow('a/points.ts:12:1: m');
    await expect(
      placedLater(
        () => source,
        async () => fail(),
      ),
    ).rejects.toThrow('a/points.ts:12:1: m');
  });

  it('restores the length of stacks, even after overlapping runs', async () => {
    const limit = Error.stackTraceLimit;
    let release: () => void = () => {};
    const first = placedLater(
      () => source,
      () => new Promise<void>((resolve) => (release = resolve)),
    );
    const second = placedLater(
      () => source,
      () => first,
    );
    release();
    await second;
    expect(Error.stackTraceLimit).toBe(limit);
  });
});

describe('placeInSource', () => {
  it('maps a place in the bundle to the source file', () => {
    expect(placeInSource(source.bundle, hash, `${file}:2:18`)).toBe('a/points.ts:12:1');
    expect(placeInSource(source.bundle, hash, '/libs/other.mjs:2:3')).toBeUndefined();
  });

  it('gives the place itself if the bundle has no map', () => {
    expect(placeInSource(Buffer.from('w.log()'), hash, `${file}:1:3`)).toBe(`${file}:1:3`);
  });
});
