import type { SampleView } from '@lockstep/replay';
import { describe, expect, it } from 'vitest';
import { sampleBrief, sampleLines } from './sample.ts';

const image = (shape: readonly [number, number, number], pixels: readonly number[]): SampleView => ({
  content: { kind: 'image', shape, pixels },
});

describe('sampleLines', () => {
  it('draws a picture with one character for two pixels, from blank to full', () => {
    const rows = [
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
      [4, 4, 0, 0, 0],
    ];
    expect(sampleLines(image([3, 5, 1], rows.flat()), 80)).toEqual([' ░▒▓█', '██']);
  });

  it('takes the luminance of colours', () => {
    const [red, green, black] = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 0],
    ];
    const pixels = [red, green, black, red, green, black].flat() as number[];
    expect(sampleLines(image([2, 3, 3], pixels), 80)).toEqual(['▒█']);
  });

  it('shrinks a picture that is too wide, and marks what is not finite', () => {
    const wide = Array.from({ length: 4 * 8 }, (_, i) => (i % 8 < 4 ? 1 : 0));
    expect(sampleLines(image([4, 8, 1], wide), 4)).toEqual(['██']);
    expect(sampleLines(image([2, 3, 1], [Number.NaN, 0, 1, 0, 0, 1]), 80)).toEqual(['? █']);
    expect(sampleLines(image([2, 2, 1], [5, 5, 5, 5]), 80)).toEqual(['']);
  });

  it('writes rows, text and numbers', () => {
    const row: SampleView = {
      content: { kind: 'row', values: { age: 30.0000001, city: 'New York', kind: 'a' } },
    };
    expect(sampleLines(row, 80)).toEqual(['age=30  city="New York"  kind=a']);
    expect(sampleLines(row, 24)).toEqual(['age=30  city="New York"', 'kind=a']);
    const text: SampleView = { content: { kind: 'text', text: 'a\nb', next: '\nbc' } };
    expect(sampleLines(text, 80)).toEqual(['text  "a\\nb"', 'next  "\\nbc"']);
    const many = Array.from({ length: 30 }, (_, i) => i / 4);
    expect(sampleLines({ content: { kind: 'numbers', x: many } }, 80)[0]).toMatch(
      /^0 0\.25 .* … \(30 numbers\)$/,
    );
  });
});

describe('sampleBrief', () => {
  it('is the label, or the beginning of a text', () => {
    expect(sampleBrief({ ...image([1, 1, 1], [0]), label: 'cat' })).toBe('cat');
    expect(sampleBrief({ ...image([1, 1, 1], [0]), label: 0.5 })).toBe('0.5');
    expect(sampleBrief({ content: { kind: 'numbers', x: 1 } })).toBe('');
    const text = { kind: 'text', text: 'Call me Ishmael. Some years', next: '' } as const;
    expect(sampleBrief({ content: text })).toBe("'Call me Ishmael.'");
  });
});
