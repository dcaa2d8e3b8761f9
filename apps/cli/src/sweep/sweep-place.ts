/** Where the workers of a sweep join: the address that an earlier process had, where workers from outside look for it. */
import { type Pool, type PoolOptions, startPool } from '@lockstep/coordinator';
import { LockstepError } from '@lockstep/errors';
import type { JournalEntry } from '@lockstep/sweep';
import { parseEndpoint, readServerKeys } from '@lockstep/transport';

export interface AskedPlace {
  readonly bind?: string | undefined;
  /** The folder of `lockstep keys`. */
  readonly keys?: string | undefined;
}

export interface SweepPlace {
  readonly bind: string;
  /** The address to use if `bind` is taken; without it, a taken address is an error. */
  readonly otherwiseBind?: string;
}

const local = 'tcp://127.0.0.1:0';

/**
 * The previous address, unless another one is asked for.
 *
 * @throws LockstepError `credentials` if the sweep was served there with keys and none are given
 */
export function placeOfSweep(
  folder: string,
  entries: readonly JournalEntry[],
  asked: AskedPlace,
): SweepPlace {
  const last = entries.findLast((entry) => entry.type === 'started');
  const bind = asked.bind ?? last?.endpoint ?? local;
  if (last === undefined || bind !== last.endpoint) return { bind };
  if (last.keys && asked.keys === undefined) {
    throw new LockstepError(
      'credentials',
      `${folder} was served with keys at ${last.endpoint}, where its workers look for it; name their folder with --keys, or go on without these workers with --bind ${local}`,
      { folder, endpoint: last.endpoint },
    );
  }
  const isFreePort = asked.bind === undefined && isAnyPort(last.bind);
  return { bind, ...(isFreePort && { otherwiseBind: last.bind }) };
}

function isAnyPort(bind: string): boolean {
  const endpoint = parseEndpoint(bind);
  return endpoint.transport === 'tcp' && endpoint.port === 0;
}

export interface ServedPool {
  readonly pool: Pool;
  /** The entry of the journal with which workers find the sweep again. */
  readonly entry: Extract<JournalEntry, { readonly type: 'started' }>;
}

/** Throws `address` or `credentials`. `note`: called if the address is another one. */
export async function servePool(
  { bind, otherwiseBind }: SweepPlace,
  keysFolder: string | undefined,
  options: Omit<PoolOptions, 'bind' | 'keys'>,
  note: (message: string) => void,
): Promise<ServedPool> {
  const keys = keysFolder === undefined ? undefined : await readServerKeys(keysFolder);
  const serve = async (at: string): Promise<ServedPool> => {
    const pool = await startPool({ ...options, bind: at, ...(keys && { keys }) });
    const time = new Date().toISOString();
    // The address with port 0 is kept, so that a later process may take any port too.
    const asked = otherwiseBind ?? at;
    return {
      pool,
      entry: { type: 'started', time, endpoint: pool.endpoint, bind: asked, keys: keys !== undefined },
    };
  };
  try {
    return await serve(bind);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'address' || otherwiseBind === undefined)
      throw error;
    const served = await serve(otherwiseBind);
    note(`${error.message}; workers join at ${served.pool.endpoint} instead`);
    return served;
  }
}
