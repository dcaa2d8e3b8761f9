/** The parameters of an experiment, for help. */
import { type Declarations, expectedOf } from '@lockstep/params';
import { loadDeclarations } from './experiment-file.ts';

/** One line for each parameter that the experiment of a file declares: name, default, type and purpose. */
export async function parametersText(file: string): Promise<string> {
  const lines = linesOf(await loadDeclarations(file));
  if (lines.length === 0) return `Parameters of ${file}: none\n`;
  return `Parameters of ${file}, set by --set NAME=VALUE:\n${lines.join('')}`;
}

function linesOf(declared: Declarations): readonly string[] {
  const rows = Object.entries(declared).map(([name, param]) => {
    const about = param.help === undefined ? expectedOf(param) : `${param.help}; ${expectedOf(param)}`;
    return [`${name}=${param.default}`, about] as const;
  });
  const width = Math.max(0, ...rows.map(([assignment]) => assignment.length));
  return rows.map(([assignment, about]) => `  ${assignment.padEnd(width)}  ${about}\n`);
}
