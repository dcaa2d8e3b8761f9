// Measures one contestant of a group of rows in this process and prints one JSON line, as PyTorch's programs do.
// node bench/row.mjs <group> <contestant> <profile> <seconds>
import { groups } from './rows/index.mjs';

const [name, contestant, profile, seconds] = process.argv.slice(2);
const group = groups.find((candidate) => candidate.name === name);
const figures = await group.contestants[contestant].measure({
  profile: /** @type {import('@lockstep/kernels').Profile} */ (profile),
  seconds: Number(seconds),
});
console.log(JSON.stringify({ figures }));
