/** Where a run was served before, and which of its workers may come back to it. */
import { hostname } from 'node:os';
import { type Coordinator, type LastStart, type Notice, readLastStart } from '@lockstep/coordinator';
import { LockstepError } from '@lockstep/errors';
import { RETURN_WAIT_MS } from '@lockstep/protocol';
import { readLog } from '@lockstep/tracking';
import { parseEndpoint } from '@lockstep/transport';
import { plural } from './display/format.ts';
import { isAlive } from './processes.ts';

/** A worker that was in the run when its coordinator was lost. */
export interface Returning {
  readonly worker: string;
  /** Its process, where it is one of this machine. */
  readonly pid: number | undefined;
}

/** Where a run that is resumed listens, and whom it waits for. */
export interface Place {
  readonly bind: string;
  /** Where to listen when `bind` is taken. */
  readonly otherwiseBind?: string;
  readonly returning: readonly Returning[];
  readonly notices: readonly Notice[];
}

const local = 'tcp://127.0.0.1:0';

/**
 * The address of before, where live workers look for their coordinator, unless another one is asked for. Throws `credentials` for
 * a run that was served with keys when there are none.
 */
export async function placeOf(
  folder: string,
  asked: { readonly bind?: string | undefined; readonly keys?: string | undefined },
): Promise<Place> {
  const last = await readLastStart(folder);
  const bind = asked.bind ?? last?.endpoint ?? local;
  // Workers of before look for it at the address of before only.
  if (last?.endpoint === undefined || bind !== last.endpoint) return { bind, returning: [], notices: [] };
  if (last.keys === true && asked.keys === undefined) {
    throw new LockstepError(
      'credentials',
      `${folder} was served with keys at ${last.endpoint}, where its workers look for it; name their folder with --keys, or go on without these workers with --bind ${local}`,
      { folder, endpoint: last.endpoint },
    );
  }
  const returning = await returningOf(folder, last);
  const expecting = `waiting up to ${RETURN_WAIT_MS / 1000} s for ${plural(returning.length, 'worker')} of before, which may hold a newer state than the newest checkpoint`;
  const notices: readonly Notice[] =
    returning.length === 0
      ? []
      : [
          {
            type: 'expecting',
            message: expecting,
            facts: { workers: returning.map(({ worker }) => worker) },
          },
        ];
  const isFreePort = last.bind !== undefined && isAnyPort(last.bind) && asked.bind === undefined;
  return { bind, ...(isFreePort && { otherwiseBind: last.bind }), returning, notices };
}

function isAnyPort(bind: string): boolean {
  const endpoint = parseEndpoint(bind);
  return endpoint.transport === 'tcp' && endpoint.port === 0;
}

/** Members of the last generation, but those of this machine that have ended. */
async function returningOf(folder: string, { members }: LastStart): Promise<readonly Returning[]> {
  const { records } = await readLog(folder, 'events');
  return members
    .map((worker): Returning => {
      const joined = records.findLast((record) => record.type === 'joined' && record.worker === worker);
      const isHere = joined?.host === hostname() && typeof joined.pid === 'number';
      return { worker, pid: isHere ? (joined.pid as number) : undefined };
    })
    .filter(({ pid }) => pid === undefined || isAlive(pid));
}

const lookMs = 100;

/** Waits no longer for those of this machine that end: workers of a command leave when it is gone. Returns how to stop. */
export function followReturning(
  coordinator: Pick<Coordinator, 'absent'>,
  returning: readonly Returning[],
): () => void {
  const here = new Map(returning.flatMap(({ worker, pid }) => (pid === undefined ? [] : [[worker, pid]])));
  const look = (): void => {
    for (const [worker, pid] of here) {
      if (isAlive(pid)) continue;
      here.delete(worker);
      coordinator.absent(worker);
    }
    if (here.size === 0) clearInterval(looking);
  };
  const looking = setInterval(look, lookMs);
  const end = setTimeout(() => clearInterval(looking), RETURN_WAIT_MS);
  return () => {
    clearInterval(looking);
    clearTimeout(end);
  };
}
