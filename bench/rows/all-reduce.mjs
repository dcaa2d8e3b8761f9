/** All-reduce between processes of this machine. Compared with torch/allreduce.py. A round takes the time of its slowest rank. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { quantile } from '../measure.mjs';

const program = fileURLToPath(new URL('../processes/all-reduce.mjs', import.meta.url));

const SIZES = { '1KB': 1 << 10, '64KB': 1 << 16, '1MB': 1 << 20, '10MB': 10 << 20, '100MB': 100 << 20 };
const TRIAL_ROUNDS = 3;

/** The number of rounds that fill the time. The same procedure as torch/common.py. */
const roundsFor = (seconds, typicalMs) =>
  Math.min(2_000, Math.max(5, Math.trunc((1e3 * seconds) / (typicalMs + 0.1))));

/** Figures by row, of processes that measure at the same time. */
const measure =
  (worldSize) =>
  async ({ seconds }) => {
    const children = Array.from({ length: worldSize }, (_, rank) =>
      fork(program, [`${rank}`, `${worldSize}`]),
    );
    const answers = () => Promise.all(children.map(answerOf));
    const tell = (message) => children.map((child) => child.send(message));
    try {
      const invitations = (await answers()).map(({ invitation }) => invitation);
      const ready = answers();
      tell({ invitations });
      await ready;
      const slowest = async (bytes, rounds) => {
        const answered = answers();
        tell({ bytes, rounds });
        const byRank = (await answered).map(({ times }) => times);
        return byRank[0].map((_, round) => Math.max(...byRank.map((times) => times[round])));
      };
      const figures = {};
      for (const [label, bytes] of Object.entries(SIZES)) {
        const typical = quantile(await slowest(bytes, TRIAL_ROUNDS), 0.5);
        const rounds = roundsFor(seconds / Object.keys(SIZES).length, typical);
        figures[rowName(label, worldSize)] = await slowest(bytes, rounds);
      }
      return figures;
    } finally {
      for (const child of children) child.kill();
    }
  };

/** Resolves with the next message; rejects if the process ends first. */
async function answerOf(child) {
  const ended = new AbortController();
  const lost = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`a rank of the all-reduce ended with exit code ${code}`);
  });
  try {
    const [message] = await Promise.race([once(child, 'message'), lost]);
    return message;
  } finally {
    ended.abort();
    lost.catch(() => undefined);
  }
}

const rowName = (label, worldSize) => `allreduce-${worldSize}x${label}`;

const allReduceGroup = (worldSize) => ({
  name: `allreduce-${worldSize}`,
  rows: Object.entries(SIZES).map(([label, bytes]) => ({
    name: rowName(label, worldSize),
    what: `all-reduce of ${label} between ${worldSize} processes`,
    amount: bytes / 1e9,
    unit: 'GB/s',
  })),
  contestants: {
    ours: { measure: measure(worldSize) },
    torch: {
      python: [
        'allreduce.py',
        '--world',
        `${worldSize}`,
        '--sizes',
        ...Object.entries(SIZES).map(sizeArgument),
      ],
    },
  },
});

function sizeArgument([label, bytes]) {
  return `${label}:${bytes}`;
}

export const allReduceGroups = [2, 4].map(allReduceGroup);
