/** The file of a run folder in which its coordinator writes where workers join. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError } from '@lockstep/errors';
import { fileError, fileErrorCode, writeAtomic } from '@lockstep/files';

const lookMs = 500;

const addressFile = (folder: string): string => join(folder, 'address');

/** `address`: `host:port`. Throws `file`. */
export const writeAddress = (folder: string, address: string): Promise<void> =>
  writeAtomic(addressFile(folder), Buffer.from(`${address}\n`));

/**
 * The address of a run, whose folder another machine may still have to make; undefined if the signal ends the wait. Throws `lost` if
 * the run has none within `waitMs`.
 */
export async function readAddress(
  folder: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = addressFile(folder);
  for (const startedAt = performance.now(); ; ) {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (fileErrorCode(error) === 'ENOENT') return '';
      throw fileError(path, error);
    });
    if (text !== '') return text.trim();
    if (signal.aborted) return undefined;
    if (performance.now() - startedAt >= waitMs) {
      throw new LockstepError('lost', `${path} does not exist: no coordinator has served the run yet`, {
        path,
      });
    }
    await sleep(lookMs, undefined, { signal }).catch(() => undefined);
  }
}
