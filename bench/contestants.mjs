/** Measures a contestant in a separate process that prints one JSON line. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { python } from './torch.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Returns figures by row. */
export function figuresOf(group, name, options) {
  const [command, args] = commandOf(group, name, options);
  const output = execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { figures } = JSON.parse(output);
  return Array.isArray(figures) ? { [group.rows[0].name]: figures } : figures;
}

/** @returns {[command: string, args: string[]]} */
function commandOf(group, name, { profile, seconds }) {
  const contestant = group.contestants[name];
  if (contestant.python !== undefined) {
    const [command, ...flags] = python;
    const [program, ...args] = contestant.python;
    return [command, [...flags, here(`torch/${program}`), ...args, '--seconds', `${seconds}`]];
  }
  if (contestant.peer !== undefined) {
    const [program, ...args] = contestant.peer;
    return [process.execPath, [here(`peers/${program}`), ...args, `${seconds}`]];
  }
  return [process.execPath, [here('row.mjs'), group.name, name, profile, `${seconds}`]];
}
