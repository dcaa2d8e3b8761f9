/** Facts about this package. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** The version of this release. */
export const version = (
  JSON.parse(readFileSync(join(here, '..', 'package.json'), 'utf8')) as { readonly version: string }
).version;
