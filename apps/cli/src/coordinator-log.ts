import { join } from 'node:path';
import { fileError } from '@lockstep/files';
import { type Logger, pino } from 'pino';

/** Opens the coordinator's log in a folder. Throws a `file` error. A disk that is full later ends the log, not the run. */
export function openCoordinatorLog(folder: string): Logger {
  const path = join(folder, 'coordinator.log');
  try {
    const destination = pino.destination({ dest: path, sync: true });
    destination.on('error', () => undefined);
    return pino(destination);
  } catch (cause) {
    throw fileError(path, cause);
  }
}
