/** Whether another process still lives, and whether it is the one that is meant: the system gives numbers again. */
import { readFileSync } from 'node:fs';

/** One that has ended and was not waited for is none. */
export function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return statusOf(pid)?.state !== 'Z';
}

/** Tells this process from others of its number, in this start of the system and in others; undefined where nothing does. */
export function identityOf(pid: number): string | undefined {
  const boot = readOrUndefined('/proc/sys/kernel/random/boot_id')?.trim();
  const started = statusOf(pid)?.startedAt;
  return boot === undefined || started === undefined ? undefined : `${boot} ${started}`;
}

function statusOf(pid: number): { readonly state: string; readonly startedAt: string } | undefined {
  // The name, in parentheses, may hold anything. Behind it: the state, and as the 20th field the time of its start.
  const fields = readOrUndefined(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, '')
    .split(' ');
  return fields === undefined ? undefined : { state: fields[0]!, startedAt: fields[19]! };
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
