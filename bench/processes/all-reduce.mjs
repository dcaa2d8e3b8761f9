// One rank of an all-reduce between processes, by the parts of a worker: its sockets, its shared memory, its reductions.
// Forked by rows/all-reduce.mjs, whose messages tell it whom to join and what to measure.
import {
  createHeldFrames,
  decodeHeader,
  defaultChunkRules,
  outboxBytes,
  runHash,
} from '@lockstep/collectives';
import { createEagerKernels } from '@lockstep/kernels';
import { combineWith } from '@lockstep/training';
import { createMesh } from '@lockstep/transport';
import { loadExchange } from '@lockstep/worker';

const { createLanes, createReductions } = await loadExchange();

const HELD_BYTES = 1 << 30;
const LARGEST = 100 << 20;

const [rank, worldSize] = process.argv.slice(2).map(Number);
const names = Array.from({ length: worldSize }, (_, peer) => `rank-${peer}`);

const mesh = await createMesh({
  identity: names[rank],
  bind: 'tcp://127.0.0.1:0',
  onMessage: receive,
  onPeerLost(_peer, error) {
    throw error;
  },
});
const lanes = createLanes(mesh, { isAllowed: true, onBell: () => reductions.look() });
let reductions;

function receive(peer, [head, payload]) {
  const decoded = decodeHeader(head, payload.byteLength);
  if (decoded.ok === false) return fail(decoded.fault);
  const { header } = decoded;
  if (header.kind === 'lane-invitation') lanes.invited(peer, header, payload);
  else reductions.receive(header, payload);
}

function fail(reason) {
  throw new Error(`a frame was dropped: ${reason}`);
}

/** As a worker enters a generation. */
function enter(endpoints) {
  for (const [peer, endpoint] of endpoints.entries()) if (peer !== rank) mesh.connect(names[peer], endpoint);
  const members = names.map((worker, peer) => {
    return { worker, rank: peer, endpoint: endpoints[peer], shards: { start: peer, count: 1 } };
  });
  const generation = { generation: 1, run: runHash('bench', 1), rank };
  reductions = createReductions({
    ...generation,
    ranges: members.map(({ shards }) => shards),
    numShards: worldSize,
    combine: combineWith(createEagerKernels()),
    held: createHeldFrames(HELD_BYTES),
    link: lanes.enter({
      ...generation,
      members,
      outboxBytes: outboxBytes(LARGEST, 1, defaultChunkRules),
      numThreads: 1,
    }),
    onRejected: fail,
    onFault: fail,
  });
}

let step = 0;

/** The sum of everyone's `data`. Milliseconds. */
function allReduce(data, result) {
  return new Promise((resolve) => {
    const part = {
      op: 'sum',
      size: data.length,
      partials: [{ node: { level: 0, index: rank }, data }],
      result,
    };
    const start = performance.now();
    reductions.reduce(step++, 0, [part], () => resolve(performance.now() - start));
  });
}

/** Milliseconds of each round; everyone begins it together. */
async function measure({ bytes, rounds }) {
  const signals = [new Float32Array(1), new Float32Array(1)];
  const data = new Float32Array(bytes / 4).fill(1);
  const result = new Float32Array(data.length);
  const times = [];
  for (let i = 0; i < rounds; i++) {
    await allReduce(...signals);
    times.push(await allReduce(data, result));
  }
  if (result.some((value) => value !== worldSize))
    throw new Error(`the sum of ${worldSize} ones is not that`);
  return times;
}

process.on('message', async ({ endpoints, bytes, rounds }) => {
  if (endpoints !== undefined) enter(endpoints);
  process.send({ times: endpoints === undefined ? await measure({ bytes, rounds }) : [] });
});
process.on('disconnect', () => process.exit());
process.send({ endpoint: mesh.endpoint });
