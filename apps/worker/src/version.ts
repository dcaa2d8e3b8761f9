/** Coordinator and workers run the same version, or refuse each other. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const { version } = require('../package.json') as { readonly version: string };
