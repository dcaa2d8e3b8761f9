import { createRequire } from 'node:module';
import { join } from 'node:path';

/** A package of the folder that BENCH_PEERS names. */
export const load = createRequire(join(process.env.BENCH_PEERS, 'here.js'));
