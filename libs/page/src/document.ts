/** The page as a document, with its script and style in files of their own or inside. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LockstepError } from '@lockstep/errors';

export interface Assets {
  readonly script: string;
  readonly style: string;
}

const folder = new URL('../build/', import.meta.url);

/** The client's script and style, which the build makes. Throws `config` where they are not built. */
export function readAssets(): Assets {
  const [script, style] = ['page.js', 'page.css'].map((name) => new URL(name, folder));
  if (!existsSync(script!) || !existsSync(style!)) {
    throw new LockstepError(
      'config',
      `the page is not built: ${fileURLToPath(folder)} is empty; run \`npm run build\` in the folder of Lockstep`,
      {},
    );
  }
  return { script: readFileSync(script!, 'utf8'), style: readFileSync(style!, 'utf8') };
}

/** A mark of three strokes in step, as the tab's icon. */
const icon = encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0f766e"/><path d="M8 22V10m8 12V10m8 12V10" stroke="#fff" stroke-width="3.4" stroke-linecap="round"/></svg>',
);

/** `head` and `end` go into the head and to the end of the body; they are not escaped. */
export function documentText(head: string, end: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${head}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Lockstep</title>
<link rel="icon" href="data:image/svg+xml,${icon}">
</head>
<body>
<noscript>This page draws its charts with JavaScript.</noscript>
${end}
</body>
</html>
`;
}
