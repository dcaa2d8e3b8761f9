// Measures one row in a process of its own and prints one JSON line, as PyTorch's programs do.
// node bench/row.mjs <row> <shards> <seconds>
import { sample } from './measure.mjs';
import { rows } from './rows/index.mjs';

const [name, shards, seconds] = process.argv.slice(2);
const row = rows.find((candidate) => candidate.name === name);
const { call, check } = await row.prepare(Number(shards));
const slicesMs = sample(call, Number(seconds));
if (!Number.isFinite(check())) {
  throw new Error(`${name}: the loss is ${check()} after the measurement; its time means nothing`);
}
console.log(JSON.stringify({ row: name, shards: Number(shards), slicesMs }));
