/** The page as one file, which opens without a server. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { LockstepError } from '@lockstep/errors';
import { pack } from '@lockstep/view';
import { documentText, readAssets } from './document.ts';
import { detailFor, FollowedRuns } from './follow/followed-runs.ts';

export interface ReportOptions {
  /** Folders of runs and sweeps, and folders that contain such folders. */
  readonly paths: readonly string[];
  readonly isRunning: (folder: string) => boolean | undefined;
}

export interface Report {
  readonly html: string;
  readonly numRuns: number;
  readonly numSweeps: number;
  /** What could not be read, a sentence each. */
  readonly warnings: readonly string[];
}

/** Throws `config` for folders without runs and sweeps. */
export async function createReport({ paths, isRunning }: ReportOptions): Promise<Report> {
  const runs = new FollowedRuns({ paths, isRunning });
  await runs.discover();
  const { length: numRuns, numSweeps } = runs;
  if (numRuns + numSweeps === 0) {
    throw new LockstepError('config', `there are no runs in ${paths.join(', ')}`, { paths });
  }
  const data = runs.data(detailFor(numRuns));
  const packed = await promisify(gzip)(pack(data), { level: 9 });
  const { script, style } = readAssets();
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  const head = `<meta http-equiv="Content-Security-Policy" content="${policy}">\n<style>${style}</style>`;
  // Base64 has no character of HTML.
  const end = `<script id="data" type="application/gzip">${packed.toString('base64')}</script>\n<script type="module">${script}</script>`;
  const parts = [...data.sweeps, ...data.runs];
  const warnings = [...data.warnings, ...parts.flatMap(({ progress }) => progress.warnings)];
  return { html: documentText(head, end), numRuns, numSweeps, warnings };
}

const hashOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
