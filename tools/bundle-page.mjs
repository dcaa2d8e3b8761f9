// Bundles the page's client, TypeScript and style sheet, into libs/page/build. It is checked by `npm run types`.
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cli = createRequire(join(root, 'apps/cli/package.json'));
const client = join(root, 'libs/page/client');
const outdir = join(root, 'libs/page/build');

export async function bundlePage() {
  const { build } = cli('esbuild');
  await build({
    absWorkingDir: root,
    entryPoints: { page: join(client, 'main.ts') },
    outfile: join(outdir, 'page.js'),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // The licence of uPlot goes with its code.
    legalComments: 'inline',
    logLevel: 'warning',
  });
  await build({
    absWorkingDir: root,
    entryPoints: [join(client, 'page.css')],
    outfile: join(outdir, 'page.css'),
    bundle: true,
    minify: true,
    logLevel: 'warning',
  });
  // A closing tag in the script would end it inside a report.
  const script = readFileSync(join(outdir, 'page.js'), 'utf8');
  if (/<\/script|<!--/i.test(script))
    throw new Error('page.js has a tag that would end it inside a document');
  return statSync(join(outdir, 'page.js')).size;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundlePage();
