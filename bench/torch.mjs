import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('torch', import.meta.url));

/** Debian's Python, which has python3-torch; -B writes no compiled files. */
export const python = ['/usr/bin/python3', '-B'];

/** The versions of PyTorch and its BLAS, or the reason why they cannot be measured. */
export function findTorch() {
  const [command, ...flags] = python;
  const program = 'import common; print(common.versions(common.setup()))';
  const { error, status, stdout, stderr } = spawnSync(command, [...flags, '-c', program], {
    cwd: FOLDER,
    encoding: 'utf8',
  });
  if (error !== undefined) return { missing: `${command} does not start (${error.message})` };
  return status === 0 ? { versions: stdout.trim() } : { missing: stderr.trim().split('\n').at(-1) };
}
