/** docs/names.md names what exists here, and leaves out nothing that is known elsewhere. */
import * as lockstep from 'lockstep';
import { describe, expect, it } from 'vitest';
import { blocksOf, execute, importsOf, readText } from './documentation.ts';
import { groupsOf } from './reference/groups.ts';

const page = readText('../../docs/names.md');
const groups = groupsOf(readText('../../docs/ops.md'));

/** The cells of its tables, row by row, without the heads. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split(/(?<!\\)\|/).slice(1, -1));
const namesIn = (cell: string): string[] => Array.from(cell.matchAll(/`([\w.]+)`/g), ([, name]) => name!);

/** The first column, and the last one of the layers' table. */
const ours = rows.flatMap((cells) => namesIn(cells[0]!));
const functions = page.slice(page.indexOf('| Lockstep function |'), page.indexOf('## Losses')).split('\n');
const oursAsFunctions = functions.flatMap((line) => namesIn(line.split('|').at(-2) ?? ''));

const reach = (name: string): unknown =>
  name.split('.').reduce<unknown>((value, key) => Reflect.get(value as object, key), lockstep);

/** Exports that no other library names. */
const onlyHere = [
  ...['flush', 'treeSum', 'lambda', 'parallel', 'positionalEmbedding', 'residual', 'residualWith'],
  ...['sinusoidalPositions', 'byNoiseScale', 'inverseSquareRoot', 'scaledByBatch', 'averageIn'],
  ...['monitorLearningRate', 'monitorNoiseScale', 'stepMetricsOf'],
];

describe('docs/names.md', () => {
  it('names what exists here', () => {
    expect(ours.length).toBeGreaterThan(250);
    expect(oursAsFunctions.length).toBeGreaterThan(10);
    expect([...ours, ...oursAsFunctions].filter((name) => reach(name) === undefined)).toEqual([]);
  });

  it('has every op, layer, loss, initialiser, optimizer and schedule that is known elsewhere', () => {
    const tables = /^(Tensors|Operations.*|Layers|Losses|Metrics|Optimizers|Schedules|Links.*)$/;
    const members = groups.filter(({ title }) => tables.test(title)).flatMap((group) => group.members);
    const named = [...ours, ...oursAsFunctions];
    const missing = members.map(([name]) => name).filter((name) => !named.includes(name));
    expect(missing).toEqual(onlyHere);
    const initialisers = ours.map((name) => name.replace('initializers.', ''));
    const wanted = Object.keys(lockstep.initializers).filter((name) => !name.endsWith('Rules'));
    expect(wanted.filter((name) => !initialisers.includes(name))).toEqual([]);
  });

  it('names each once', () => {
    expect(ours.filter((name, i) => ours.indexOf(name) !== i)).toEqual([]);
  });

  it.each(blocksOf(page, 'ts').map((code, i) => [i, code] as const))('block %i runs', (_, code) => {
    expect.assertions(1 + code.match(/\/\/ → /g)!.length);
    expect(importsOf(code).filter((name) => !(name in lockstep))).toEqual([]);
    execute(code, lockstep);
  });
});
