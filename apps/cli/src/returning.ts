/** The previous address of a run, and which of its workers may come back to it. */
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
  /** Its process, if it is one of this machine. */
  readonly pid: number | undefined;
}

/** Where a resumed run listens, and which workers it waits for. */
export interface Place {
  readonly bind: string;
  /** The address to use if `bind` is taken. */
  readonly otherwiseBind?: string;
  readonly returning: readonly Returning[];
  readonly notices: readonly Notice[];
}

const local = 'tcp://127.0.0.1:0';

/**
 * The previous address, where live workers look for their coordinator, unless another one is asked for. Throws `credentials` if
 * the run was served with keys and none are given.
 */
export async function placeOf(
  folder: string,
  asked: { readonly bind?: string | undefined; readonly keys?: string | undefined },
): Promise<Place> {
  const last = await readLastStart(folder);
  const bind = asked.bind ?? last?.endpoint ?? local;
  // Earlier workers look for the coordinator at the previous address only.
  if (last?.endpoint === undefined || bind !== last.endpoint) return { bind, returning: [], notices: [] };
  if (last.keys === true && asked.keys === undefined) {
    throw new LockstepError(
      'credentials',
      `${folder} was served with keys at ${last.endpoint}, where its workers look for it; name their folder with --keys, or go on without these workers with --bind ${local}`,
      { folder, endpoint: last.endpoint },
    );
  }
  const returning = await returningOf(folder, last);
  const expecting = `waiting up to ${RETURN_WAIT_MS / 1000} s for ${plural(returning.length, 'earlier worker')}, which may hold a newer state than the newest checkpoint`;
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

/** Members of the last generation, without those of this machine that have ended. */
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

/**
 * Stops waiting for workers of this machine that end: workers of a command end when the command is gone. Returns a function that
 * ends this.
 */
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
