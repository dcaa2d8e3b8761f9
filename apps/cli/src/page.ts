/** The page of runs, served by this command. */
import { randomBytes } from 'node:crypto';
import { LockstepError } from '@lockstep/errors';
import type { PageOptions } from '@lockstep/page';
import { quoted } from './display/format.ts';
import { isLocked } from './run-lock.ts';

export interface PageAddress {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Who has it may read the page; undefined where only this machine reaches the address. */
  readonly token?: string | undefined;
}

/** The value of `--page`: nothing, a port, or an address with a port. Throws `config`. */
export function pageAddress(text: string): PageAddress {
  const [, host = '127.0.0.1', digits = '0'] = /^(?:(.+):)?(\d+)$/.exec(text) ?? [];
  const port = Number(digits);
  if ((text !== '' && !/^(?:.+:)?\d+$/.test(text)) || port > 65_535) {
    throw new LockstepError(
      'config',
      `--page ${quoted(text)}: write a port, such as 8080, or an address with a port, such as 0.0.0.0:8080`,
      { page: text },
    );
  }
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port };
}

/** A command line would show the token to everybody on the machine, and the run's record would keep it. */
const tokenVariable = 'LOCKSTEP_PAGE_TOKEN';

/** Fewer characters could be guessed. */
const minTokenLength = 16;

/** The token that the environment gives, so that others know it before the page is served. Throws `config`. */
export function givenToken(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (text.length >= minTokenLength && /^[\w.~+/=-]+$/.test(text)) return text;
  throw new LockstepError(
    'config',
    `${tokenVariable} must have at least ${minTokenLength} characters out of letters, digits and -._~+/=; it has ${text.length}; openssl rand -hex 16 makes one`,
    { length: text.length },
  );
}

/** Serves the page of runs. Throws `config` or `address`. */
export async function servePage(
  paths: readonly string[],
  { host, port, token }: PageAddress,
  options: {
    readonly names?: readonly string[];
    readonly isRunning?: () => boolean;
    readonly eager?: boolean;
  } & Pick<PageOptions, 'routes' | 'openRoutes'> = {},
) {
  const { isLoopback, startPage } = await import('@lockstep/page');
  const made = () => givenToken(process.env[tokenVariable]) ?? randomBytes(18).toString('base64url');
  const needed = isLoopback(host) ? token : (token ?? made());
  const { names = [], isRunning = isLocked, eager = false, routes = {}, openRoutes = {} } = options;
  return startPage({ paths, host, port, token: needed, names, isRunning, eager, routes, openRoutes });
}
