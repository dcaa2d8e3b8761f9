/** Whether another process lives, and whether it is the expected one: the system reuses the numbers of processes. */
import { readFileSync } from 'node:fs';

/** False for a zombie. */
export function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return statusOf(pid)?.state !== 'Z';
}

/**
 * Distinguishes this process from others with the same number, also across restarts of the system. Undefined if the system has
 * no such identity.
 */
export function identityOf(pid: number): string | undefined {
  const boot = readOrUndefined('/proc/sys/kernel/random/boot_id')?.trim();
  const started = statusOf(pid)?.startedAt;
  return boot === undefined || started === undefined ? undefined : `${boot} ${started}`;
}

function statusOf(pid: number): { readonly state: string; readonly startedAt: string } | undefined {
  // The name, in parentheses, may contain anything. After it comes the state, and as the 20th field the start time.
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
