/** docs/reference.md is what the sources say, and leaves nothing out. */
import { writeFileSync } from 'node:fs';
import * as autodiff from '@lockstep/autodiff';
import * as lockstep from 'lockstep';
import * as extend from 'lockstep/extend';
import { describe, expect, it } from 'vitest';
import { readText } from './documentation.ts';
import { extending, groupsOf } from './reference/groups.ts';
import { moduleAt } from './reference/modules.ts';
import { entriesOf, referencePage } from './reference/page.ts';
import { entryOf } from './reference/signature.ts';

const groups = groupsOf(readText('../../docs/ops.md'));
const isMethod = (name: string): boolean => name.replace('ops.', '') in autodiff.Tensor.prototype;
const text = referencePage(groups, isMethod);
const headings = new Set(Array.from(text.matchAll(/^### (.*)$/gm), ([, name]) => name!));
const forUsers = entriesOf(groups.filter(({ title }) => title !== extending));

const signaturesOf = (path: string, name: string): string[] =>
  entryOf(name, moduleAt(path).declarations.get(name)!).calls.map(({ signature }) => signature);

describe('docs/reference.md', () => {
  it('is what the sources say', () => {
    const page = '../../docs/reference.md';
    if (process.env.LOCKSTEP_WRITE_GOLDEN === '1') writeFileSync(new URL(page, import.meta.url), text);
    expect(readText(page)).toBe(text);
  });

  it('has every export, and every op beside the layer of its name', () => {
    const { ops, initializers, ...users } = lockstep;
    const { kinds, ...extensions } = extend;
    const values = { ...users, ...extensions };
    const members = Object.keys(initializers).map((name) => `initializers.${name}`);
    const wanted = [...Object.keys(values), ...members.filter((name) => !name.endsWith('Rules'))];
    expect(wanted.filter((name) => !headings.has(name))).toEqual([]);
    const hidden = Object.entries(ops).filter(([name, op]) => Reflect.get(lockstep, name) !== op);
    expect(hidden.length).toBeGreaterThan(10);
    expect(hidden.filter(([name]) => !headings.has(`ops.${name}`))).toEqual([]);
    expect(
      Object.keys(kinds).filter((name) => !name.endsWith('Rules') && !headings.has(`kinds.${name}`)),
    ).toEqual([]);
  });

  it('has words about every export', () => {
    expect([...forUsers].filter(([, { doc }]) => doc === '').map(([name]) => name)).toEqual([]);
  });

  it('gives the default of every option that is a number, a word, or yes or no', () => {
    const silent = [...forUsers].flatMap(([name, { calls }]) =>
      calls
        .flatMap(({ options }) => options)
        .filter(
          ({ optional, type }) => optional && /^(number|boolean|string|'.*'|Size|Padding\w*)$/.test(type),
        )
        .filter(({ doc }) => !/default|unless told/i.test(doc))
        .map((option) => `${name}: ${option.name}`),
    );
    expect(silent).toEqual([]);
  });

  it('reads parameters, defaults and overloads as they are written', () => {
    expect(signaturesOf('libs/autodiff/src/convert.ts', 'arange')).toEqual([
      "arange(n: number, dtype: DType = 'float32'): Tensor",
    ]);
    expect(signaturesOf('libs/autodiff/src/primitives/reduce/cumulative.ts', 'cumSum')).toEqual([
      'cumSum(x: Tensor, axis?: number, options?: CumulativeOptions): Tensor',
    ]);
    expect(signaturesOf('libs/autodiff/src/primitives/elementwise/fusible.ts', 'add')).toEqual([
      'add(a: TensorLike, b: TensorLike): Tensor',
    ]);
    expect(signaturesOf('libs/nn/src/dropout.ts', 'dropout')).toEqual([
      'dropout(rate: number): Layer<Empty, Empty>',
    ]);
    expect(signaturesOf('libs/optim/src/joining.ts', 'scaledByBatch')).toEqual([
      'scaledByBatch(rate: number, scaling: BatchScaling): number',
      'scaledByBatch(rate: Schedule, scaling: BatchScaling): Schedule',
    ]);
  });

  it('takes defaults of options from where they are taken apart, if the comment has none', () => {
    const [call] = forUsers.get('checkGrads')!.calls;
    expect(call!.options.find(({ name }) => name === 'seed')!.doc).toMatch(/Default `0`\.$/);
    expect(call!.options.find(({ name }) => name === 'order')!.doc.match(/Default/g)).toHaveLength(1);
  });

  it('links to sections that are there', () => {
    const anchors = Array.from(text.matchAll(/^## (.*)$/gm), ([, title]) =>
      title!
        .toLowerCase()
        .replace(/[^a-z ]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = Array.from(text.matchAll(/\]\(#([^)]+)\)/g), ([, anchor]) => anchor!);
    expect(links).toEqual(anchors);
  });
});
