import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('torch', import.meta.url));

/** Debian's Python, since python3-torch belongs to it; -B leaves no compiled files behind. */
export const python = ['/usr/bin/python3', '-B'];

/** Why PyTorch cannot be measured here, or undefined if it can. */
export function missingTorch() {
  const [command, ...flags] = python;
  const { error, status, stderr } = spawnSync(command, [...flags, '-c', 'import common; common.setup()'], {
    cwd: FOLDER,
    encoding: 'utf8',
  });
  if (error !== undefined) return `${command} does not start (${error.message})`;
  return status === 0 ? undefined : stderr.trim().split('\n').at(-1);
}
