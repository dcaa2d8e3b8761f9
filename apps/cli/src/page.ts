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
  const needed = isLoopback(host) ? token : (token ?? randomBytes(18).toString('base64url'));
  const { names = [], isRunning = isLocked, eager = false, routes = {}, openRoutes = {} } = options;
  return startPage({ paths, host, port, token: needed, names, isRunning, eager, routes, openRoutes });
}
