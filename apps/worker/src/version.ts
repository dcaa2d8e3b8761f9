/** The version of this build. A coordinator refuses workers of another one. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const { version } = require('../package.json') as { readonly version: string };
