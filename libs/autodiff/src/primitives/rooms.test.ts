/** The folders say what is a primitive and what is composed of primitives. */
import { describe, expect, it } from 'vitest';
import { primitivesByFile } from '../fixtures/primitive-files.ts';
import { allPrimitives } from '../index.ts';

/** Files of `primitives` that define none: what the primitives of a room share. */
const shared = [
  'primitives/convolution/windows.ts',
  'primitives/elementwise/host.ts',
  'primitives/elementwise/rules.ts',
  'primitives/linear-algebra/matrix-batches.ts',
];

describe('the folders of ops', async () => {
  const files = await primitivesByFile();
  const without = [...files].flatMap(([file, names]) => (names.length === 0 ? [file] : []));

  it('define every primitive of the table', () => {
    expect([...files.values()].flat().sort()).toEqual(
      allPrimitives()
        .map(({ name }) => name)
        .sort(),
    );
  });
  it('define primitives in each file of primitives/, and none in compositions/', () => {
    const compositions = [...files.keys()].filter((file) => file.startsWith('compositions/'));
    expect(without).toEqual([...compositions, ...shared]);
  });
});
