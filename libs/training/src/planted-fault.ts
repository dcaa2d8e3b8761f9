/** Faults as a broken machine makes them, for tests of what finds them. */
import { invariant } from '@lockstep/errors';
import {
  type BlockLayout,
  exchangedVariables,
  type Programs,
  replicaVariables,
  type Slot,
  viewer,
  type WorkerLayout,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import type { ExecutorHooks } from './executor.ts';

/** One element of one worker is wrong by its last bit, in one step, from before its digest is taken. */
export interface PlantedFault {
  readonly step: number;
  /**
   * `batch`: a column of the samples. `partial`: what the block gives to an exchange. `replica`: a parameter, a state or an
   * optimizer's array after the update.
   */
  readonly part: 'batch' | 'partial' | 'replica';
  /** Names as in the record of a step; of a batch, the column. */
  readonly variable: string;
  /** The index of the element. */
  readonly element: number;
  /** Selects the block of a batch or a partial: the one that has this shard. */
  readonly shard?: number;
}

export interface FaultPlace {
  readonly programs: Programs;
  readonly layout: WorkerLayout;
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly thread: number;
}

/** Hooks for the executor of a thread. They do nothing on a thread without the block. Throws `internal` for an unknown name. */
export function plantFault(fault: PlantedFault, place: FaultPlace): ExecutorHooks {
  const { step: at, part, element } = fault;
  const view = viewer(place.buffer);
  if (part === 'replica') {
    const index = indexOf(replicaVariables(place.programs), fault);
    return {
      onUpdated: (step, copy) => {
        if (step === at) change(view(place.layout.replica[copy][index]!), element);
      },
    };
  }
  const block = ownBlock(fault, place);
  if (block === undefined) return {};
  if (part === 'batch') {
    const index = indexOf(place.programs.columns, fault);
    return {
      onFilled: (step, slot) => {
        if (step === at) change(view(block.batches[slot].columns[index]!), element);
      },
    };
  }
  const { exchange, slot } = partialOf(fault, block, place.programs);
  const partial = view(slot);
  return {
    onRan: (step, segment) => {
      if (step === at && segment === exchange) change(partial, element);
    },
  };
}

/** The thread's block that the fault is in. */
const ownBlock = ({ shard }: PlantedFault, { layout, thread }: FaultPlace): BlockLayout | undefined =>
  layout.blocks.find((block) => {
    const first = block.node.index * block.numShards;
    const isIn = shard === undefined || (first <= shard && shard < first + block.numShards);
    return block.thread === thread && isIn;
  });

function partialOf(
  fault: PlantedFault,
  { numShards, arena }: BlockLayout,
  programs: Programs,
): { readonly exchange: number; readonly slot: Slot } {
  const plan = programs.shard(numShards);
  const exchanges = exchangedVariables(plan, programs);
  const all = exchanges.flatMap((variables, exchange) => variables.map((one) => ({ ...one, exchange })));
  const { exchange, bucket, offset, size } = all[indexOf(all, fault)]!;
  const byteOffset = arena + plan.exchanges[exchange]![bucket]!.byteOffset + 4 * offset;
  return { exchange, slot: { dtype: 'float32', shape: [size], byteOffset } };
}

function indexOf(named: readonly { readonly name: string }[], { variable, part }: PlantedFault): number {
  const index = named.findIndex(({ name }) => name === variable);
  const known = named.map(({ name }) => name);
  invariant(index !== -1, `a fault is planted in a ${part} that exists`, { variable, known });
  return index;
}

/** Changes an element to the next one of its type: a float by one unit in the last place, away from 0. */
function change({ buffer, byteOffset, length, BYTES_PER_ELEMENT }: TypedArray, element: number): void {
  invariant(element < length, 'a fault is planted in an element that exists', { element, length });
  const bytes = new Uint8Array(buffer, byteOffset + element * BYTES_PER_ELEMENT, BYTES_PER_ELEMENT);
  for (const [i, byte] of bytes.entries()) {
    bytes[i] = byte + 1;
    // A byte that overflows carries over to the next one.
    if (byte < 255) return;
  }
}
