/** Names of the values that the blocks of a step exchange, from what the step's program does with them. */
import type { Plan } from '@lockstep/autodiff';
import type { FusedAttrs } from '@lockstep/kernels';
import { sizeOf } from '@lockstep/tensor';
import { itemsOf } from './groups.ts';
import type { ProgramForm } from './programs.ts';
import type { shardSignature } from './signatures.ts';

/** A value in a bucket of an exchange. */
export interface ExchangedVariable {
  readonly name: string;
  readonly bucket: number;
  /** In elements. */
  readonly offset: number;
  readonly size: number;
}

interface Unnamed extends Omit<ExchangedVariable, 'name'> {
  readonly exchange: number;
  readonly variable: number;
  readonly op: 'sum' | 'moments';
}

/**
 * The values of each exchange of a training step, in the order of their places. A value that a step returns has the name of the
 * result: `params/0/kernel` is a sum of gradients, `sums` are those of loss and metrics. Moments of a batch norm are named by the
 * state that they update, and their cotangents by the moments. Names do not depend on the block's size.
 */
export function exchangedVariables(plan: Plan, form: ProgramForm): ExchangedVariable[][] {
  const values = valuesOf(plan);
  const names = new Map<string, string>(resultNames(plan, form));
  const moments = values.filter((value) => value.op === 'moments');
  const folders = momentFolders(plan, form, moments);
  for (const [i, value] of moments.entries()) setIfAbsent(names, keyOf(value), `moments ${folders[i] ?? i}`);
  // The backward pass meets batch norms in the reverse order.
  const others = values.filter((value) => value.op === 'sum' && !names.has(keyOf(value)));
  const forward = moments.toReversed();
  const arePairs =
    others.length === forward.length && others.every(({ size }, i) => size === forward[i]!.size);
  for (const [i, value] of others.entries()) {
    names.set(keyOf(value), arePairs ? `cotangent of ${names.get(keyOf(forward[i]!))}` : `sum ${i}`);
  }
  return plan.exchanges.map((_, exchange) =>
    values
      .filter((value) => value.exchange === exchange)
      .map((value) => {
        const { bucket, offset, size } = value;
        return { name: names.get(keyOf(value))!, bucket, offset, size };
      }),
  );
}

const keyOf = ({ exchange, bucket, offset }: Pick<Unnamed, 'exchange' | 'bucket' | 'offset'>): string =>
  `${exchange} ${bucket} ${offset}`;

function setIfAbsent(names: Map<string, string>, key: string, name: string): void {
  if (!names.has(key)) names.set(key, name);
}

function valuesOf({ exchanges, places, program }: Plan): Unnamed[] {
  return exchanges.flatMap((buckets, exchange) =>
    buckets.flatMap(({ op, exchanged }, bucket) =>
      exchanged.map((variable): Unnamed => {
        const place = places.get(variable);
        const offset = place?.kind === 'result' ? place.offset : 0;
        return { exchange, bucket, offset, op, variable, size: sizeOf(program.avals[variable]!.shape) };
      }),
    ),
  );
}

/** The names of a training step's results, in order. */
const outputNames = (form: ProgramForm): string[] =>
  itemsOf({
    gradientSums: form.params.map(({ name }) => `params/${name}`),
    state: form.state.map(({ name }) => `state/${name}`),
    sums: 'sums',
  } satisfies Record<keyof ReturnType<typeof shardSignature>['outputs'], unknown>);

/** Names of the exchanged values that are results as they are. The first of several names counts. */
function resultNames({ places, program }: Plan, form: ProgramForm): [string, string][] {
  const names = outputNames(form);
  const found = program.outputs.flatMap((variable, i): [string, string][] => {
    const place = places.get(variable);
    return place?.kind === 'result' ? [[keyOf(place), names[i]!]] : [];
  });
  return found.reverse();
}

/** For each batch norm's moments: the folder of the state that is computed from them alone, such as `1` of `1/mean`. */
function momentFolders(
  plan: Plan,
  form: ProgramForm,
  moments: readonly Unnamed[],
): readonly (string | undefined)[] {
  const { program } = plan;
  const sources = sourcesOf(plan);
  const first = form.params.length;
  const folders = moments.map(() => new Set<string>());
  for (const [i, { name }] of form.state.entries()) {
    const from = sources(program.outputs[first + i]!);
    const at = moments.findIndex(({ variable }) => from.has(variable));
    if (from.size === 1 && at !== -1) folders[at]!.add(name.split('/').slice(0, -1).join('/'));
  }
  return folders.map((found) => {
    const [folder] = found;
    return found.size === 1 && folder !== '' ? folder : undefined;
  });
}

/** Returns a function that gives the exchanged values from which a variable is computed, without looking behind them. */
function sourcesOf({ program, exchanges }: Plan): (variable: number) => ReadonlySet<number> {
  const exchanged = new Set(exchanges.flat().flatMap((bucket) => bucket.exchanged));
  const producers = new Map(
    program.equations.flatMap((equation) => equation.outputs.map((output) => [output, equation])),
  );
  return (variable) => {
    const found = new Set<number>();
    const seen = new Set<number>();
    const waiting = [variable];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const producer = producers.get(at);
      if (exchanged.has(at)) found.add(at);
      else if (producer !== undefined) waiting.push(...inputsOf(producer, at));
    }
    return found;
  };
}

type Equation = Plan['program']['equations'][number];

/** The inputs of which an output is computed. A fused equation may compute several outputs, each of some inputs. */
function inputsOf({ primitive, attrs, inputs, outputs }: Equation, output: number): readonly number[] {
  if (primitive !== 'fused') return inputs;
  const { instructions, outputs: registers } = attrs as unknown as FusedAttrs;
  const needed = new Set([registers[outputs.indexOf(output)]!]);
  for (const [i, { args }] of [...instructions.entries()].reverse()) {
    if (needed.has(inputs.length + i)) for (const register of args) needed.add(register);
  }
  return inputs.filter((_, register) => needed.has(register));
}
