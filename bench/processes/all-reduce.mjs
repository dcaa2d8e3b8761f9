// One rank of an all-reduce between processes, with the shared memory and the reductions of a worker's compute thread.
// rows/all-reduce.mjs forks this program; its messages name the peers and the measurement.
import { createHeldFrames, defaultChunkRules, outboxBytes, runHash } from '@lockstep/collectives';
import { createEagerKernels } from '@lockstep/kernels';
import { createLane } from '@lockstep/lanes';
import { combineWith } from '@lockstep/run';
import { loadExchange } from '@lockstep/worker';

const { createReductions, directLink, reduceDirectly } = await loadExchange();

const HELD_BYTES = 1 << 30;
const LARGEST = 100 << 20;

const [rank, worldSize] = process.argv.slice(2).map(Number);
const lane = createLane({
  rank,
  numRanks: worldSize,
  dataBytes: outboxBytes(LARGEST, 1, defaultChunkRules),
});
const reductions = createReductions({
  ...{ generation: 1, run: runHash('bench', 1), rank },
  ranges: Array.from({ length: worldSize }, (_, peer) => ({ start: peer, count: 1 })),
  numShards: worldSize,
  combine: combineWith(createEagerKernels()),
  held: createHeldFrames(HELD_BYTES),
  link: directLink(lane, worldSize),
  onRejected: fail,
  onFault: fail,
});

function fail(reason) {
  throw new Error(`a frame was dropped: ${reason}`);
}

/** Opens the reductions of a generation, as a worker does. */
function enter(invitations) {
  for (const [peer, invitation] of invitations.entries()) {
    if (peer !== rank && !lane.accept(peer, Buffer.from(invitation))) fail('a peer cannot be reached');
  }
}

let step = 0;

/** Sums the `data` of all ranks; returns the time in milliseconds. */
function allReduce(data, result) {
  const part = {
    op: 'sum',
    size: data.length,
    partials: [{ node: { level: 0, index: rank }, data }],
    result,
  };
  const start = performance.now();
  reduceDirectly(reductions, lane, [step++, 0, [part]]);
  return performance.now() - start;
}

/** The milliseconds of each round. All ranks begin a round together. */
function measure({ bytes, rounds }) {
  const signals = [new Float32Array(1), new Float32Array(1)];
  const data = new Float32Array(bytes / 4).fill(1);
  const result = new Float32Array(data.length);
  const times = [];
  for (let i = 0; i < rounds; i++) {
    allReduce(...signals);
    times.push(allReduce(data, result));
  }
  if (result.some((value) => value !== worldSize))
    throw new Error(`the all-reduce of ones is not ${worldSize}`);
  return times;
}

process.on('message', ({ invitations, bytes, rounds }) => {
  if (invitations !== undefined) enter(invitations);
  process.send({ times: invitations === undefined ? measure({ bytes, rounds }) : [] });
});
process.on('disconnect', () => process.exit());
process.send({ invitation: Buffer.from(lane.invitation).toString() });
