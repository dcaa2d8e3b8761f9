import { expect, expectTypeOf, it } from 'vitest';
import { commandLine } from '../command-line.ts';
import { choice, flag, text, wholeNumber } from '../option.ts';
import { command } from './command.ts';
import { commands } from './table.ts';

it('the types of the arguments follow from the entry', () => {
  command({
    name: 'example',
    summary: 'an entry with every kind of option',
    positionals: {
      file: text({ describe: 'a file', isRequired: true }),
      other: text({ describe: 'a file' }),
    },
    options: {
      'num-rows': wholeNumber(1, { describe: 'rows' }),
      step: wholeNumber(0, { describe: 'a step', default: 3 }),
      form: choice(['csv', 'npy'], { describe: 'a form' }),
      kind: choice(['a', 'b'], { describe: 'a kind', default: 'a' }),
      quiet: flag('no words'),
    },
    run: async (args) => {
      expectTypeOf(args).toEqualTypeOf<
        { readonly file: string; readonly other: string | undefined } & {
          readonly numRows: number | undefined;
          readonly step: number;
          readonly form: 'csv' | 'npy' | undefined;
          readonly kind: 'a' | 'b';
          readonly quiet: boolean;
        } & { readonly json: boolean; readonly verbose: boolean }
      >();
      return 0;
    },
  });
  // @ts-expect-error: the default is not one of the choices
  choice(['a', 'b'], { describe: 'a kind', default: 'c' });
});

it('the values that are parsed are of these types, and named in camelCase', async () => {
  const parsed: object[] = [];
  const parser = commandLine((_command, args) => void parsed.push(args));
  await parser.parseAsync(['coordinator', 'x.ts', '--seed', '7', '--limit-samples=20', '--json']);
  await parser.parseAsync(['train', 'x.ts', '--trace', '--profile', 'fma']);
  expect(parsed).toMatchObject([
    { experiment: 'x.ts', seed: 7, limitSamples: 20, workersExpected: 1, json: true, verbose: false },
    { experiment: 'x.ts', trace: '', profile: 'fma', runRoot: 'runs', workers: 1 },
  ]);
  expect(parsed[1]).not.toHaveProperty('seed');
});

it('no command has an option that it refuses', () => {
  for (const { name, options, refused } of commands)
    expect(
      Object.keys(refused).filter((option) => option in options),
      name,
    ).toEqual([]);
});
