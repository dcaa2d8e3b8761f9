import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Loads a package from the folder BENCH_PEERS. */
export const load = createRequire(join(process.env.BENCH_PEERS, 'here.js'));
