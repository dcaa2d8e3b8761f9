#!/usr/bin/env node
import { existsSync } from 'node:fs';
import module from 'node:module';

const main = new URL('../dist/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('lockstep: this clone is not built yet; run `npm ci` (or `npm run build`) at its root first');
  process.exit(1);
}
// Where Node can, it keeps what it has compiled for the next start.
module.enableCompileCache?.();
await import(main.href);
