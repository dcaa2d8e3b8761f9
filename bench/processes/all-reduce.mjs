// One rank of an all-reduce between processes, over the sockets and the exchange that a worker uses.
// Forked by rows/all-reduce.mjs, whose messages tell it whom to join and what to measure.
import { createExchange, createHeldFrames, decodeHeader, runHash } from '@lockstep/collectives';
import { referenceKernels } from '@lockstep/kernels';
import { combineWith } from '@lockstep/training';
import { createMesh } from '@lockstep/transport';

const HELD_BYTES = 1 << 30;

const [rank, worldSize] = process.argv.slice(2).map(Number);
const nameOf = (peer) => `rank-${peer}`;

const mesh = await createMesh({
  identity: nameOf(rank),
  bind: 'tcp://127.0.0.1:0',
  onMessage(_peer, [head, payload]) {
    const { ok, header, fault } = decodeHeader(head, payload.byteLength);
    if (!ok) throw new Error(`a frame cannot be read: ${fault}`);
    exchange.receive(header, payload);
  },
  onPeerLost(_peer, error) {
    throw error;
  },
});
const exchange = createExchange({
  generation: 1,
  run: runHash('bench', 1),
  rank,
  ranges: Array.from({ length: worldSize }, (_, start) => ({ start, count: 1 })),
  numShards: worldSize,
  combine: combineWith(referenceKernels()),
  held: createHeldFrames(HELD_BYTES),
  link: {
    send: (to, header, payload) => void mesh.send(nameOf(to), [header, payload]),
    sendOwned: (to, header, payload) => void mesh.sendOwned(nameOf(to), [header, payload]),
  },
  onRejected(reason) {
    throw new Error(`a frame was rejected: ${reason}`);
  },
});

let step = 0;

/** The sum of everyone's `data`, copied to `result` as a worker copies it to its arena. Milliseconds. */
function allReduce(data, result) {
  return new Promise((resolve) => {
    const parts = [{ node: { level: 0, index: rank }, data }];
    const start = performance.now();
    exchange.start({ step: step++, collective: 0, op: 'sum', size: data.length, parts }, (sum) => {
      result.set(sum);
      resolve(performance.now() - start);
    });
  });
}

/** Milliseconds of each round; everyone begins it together. */
async function measure({ bytes, rounds }) {
  const signal = new Float32Array(1);
  const data = new Float32Array(bytes / 4).fill(1);
  const result = new Float32Array(data.length);
  const times = [];
  for (let i = 0; i < rounds; i++) {
    await allReduce(signal, signal);
    times.push(await allReduce(data, result));
  }
  if (result.some((value) => value !== worldSize))
    throw new Error(`the sum of ${worldSize} ones is not that`);
  return times;
}

process.on('message', async ({ endpoints, ...task }) => {
  if (endpoints === undefined) return process.send({ times: await measure(task) });
  for (const [peer, endpoint] of endpoints.entries()) if (peer !== rank) mesh.connect(nameOf(peer), endpoint);
});
process.on('disconnect', () => process.exit());
process.send({ endpoint: mesh.endpoint });
