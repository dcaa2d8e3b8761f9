import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { fileError } from '@lockstep/files';
import { curveKeyPair } from 'zeromq';
import { isLoopback } from './endpoint.ts';
import { pairsOfSecret } from './secret.ts';

/** A CURVE25519 key pair, Z85-encoded: 40 characters each. */
export interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** What a listening socket needs: its own pair and the public keys that may connect. */
export interface ServerKeys extends KeyPair {
  readonly allowedClients: readonly string[];
}

/** What a worker needs: its own pair, the coordinator's public key, and the keys that may connect to its mesh. */
export interface ClientKeys extends ServerKeys {
  readonly serverKey: string;
}

export interface Keys {
  readonly server: ServerKeys;
  readonly client: ClientKeys;
}

/** New keys for a cluster: a pair for the coordinator and one that its workers share. */
export function generateKeys(): Keys {
  return keysOf(curveKeyPair(), curveKeyPair());
}

/** The keys of a cluster whose processes share a secret: whoever has it has the coordinator's keys too. Throws `credentials`. */
export async function keysOfSecret(secret: string, from: string): Promise<Keys> {
  const { server, client } = await pairsOfSecret(secret, from);
  return keysOf(server, client);
}

function keysOf(server: KeyPair, client: KeyPair): Keys {
  const allowedClients = [client.publicKey];
  return {
    server: { ...server, allowedClients },
    client: { ...client, allowedClients, serverKey: server.publicKey },
  };
}

const files = {
  serverPublic: 'server.public',
  serverSecret: 'server.secret',
  clientPublic: 'client.public',
  clientSecret: 'client.secret',
  allowed: 'clients.allow',
} as const;

/**
 * Writes the keys as files of mode 600. Workers need all but `server.secret`. Throws `credentials` if keys exist
 * already, and `file`, leaving no key behind, if they cannot be written.
 */
export async function writeKeys(folder: string, keys: Keys): Promise<void> {
  const present = Object.values(files).find((name) => existsSync(join(folder, name)));
  if (present !== undefined) {
    throw new LockstepError(
      'credentials',
      `${join(folder, present)} exists already; replacing keys locks out processes that hold the old ones; remove the folder first, or choose another`,
      { folder, file: present },
    );
  }
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw fileError(folder, cause);
  });
  const contents: Record<keyof typeof files, string> = {
    serverPublic: keys.server.publicKey,
    serverSecret: keys.server.secretKey,
    clientPublic: keys.client.publicKey,
    clientSecret: keys.client.secretKey,
    allowed: `# public keys that may connect, one a line\n${keys.server.allowedClients.join('\n')}`,
  };
  const written: string[] = [];
  for (const [file, content] of Object.entries(contents)) {
    const path = join(folder, files[file as keyof typeof files]);
    try {
      await writeFile(path, `${content}\n`, { mode: 0o600, flag: 'wx' });
    } catch (cause) {
      const isOurs = (cause as NodeJS.ErrnoException).code !== 'EEXIST';
      // An incomplete set would make the next attempt fail.
      for (const one of isOurs ? [...written, path] : written) await rm(one, { force: true });
      throw fileError(path, cause);
    }
    written.push(path);
  }
}

/**
 * The coordinator's keys from a folder that {@link writeKeys} wrote, from a file that holds a shared secret, or from a secret in a
 * variable of the environment, `env:NAME`. Throws `credentials`.
 */
export async function readServerKeys(from: string): Promise<ServerKeys> {
  const secret = await readSecret(from);
  return secret === undefined ? serverKeysIn(from) : (await keysOfSecret(secret, from)).server;
}

/** A worker's keys, from where {@link readServerKeys} finds the coordinator's. Throws `credentials`. */
export async function readClientKeys(from: string): Promise<ClientKeys> {
  const secret = await readSecret(from);
  return secret === undefined ? clientKeysIn(from) : (await keysOfSecret(secret, from)).client;
}

/** The shared secret in a file or in a variable; undefined for a folder. */
async function readSecret(from: string): Promise<string | undefined> {
  const [, variable] = /^env:(.+)$/.exec(from) ?? [];
  if (variable !== undefined) {
    const secret = process.env[variable];
    if (secret !== undefined) return secret.trim();
    throw new LockstepError('credentials', `keys ${from}: the variable ${variable} is not set`, { variable });
  }
  if (!statSync(from, { throwIfNoEntry: false })?.isFile()) return undefined;
  return (await readFile(from, 'utf8')).trim();
}

async function serverKeysIn(folder: string): Promise<ServerKeys> {
  return {
    publicKey: await readKey(folder, files.serverPublic),
    secretKey: await readKey(folder, files.serverSecret),
    allowedClients: await readAllowed(folder),
  };
}

async function clientKeysIn(folder: string): Promise<ClientKeys> {
  return {
    publicKey: await readKey(folder, files.clientPublic),
    secretKey: await readKey(folder, files.clientSecret),
    serverKey: await readKey(folder, files.serverPublic),
    allowedClients: await readAllowed(folder),
  };
}

/** Throws `credentials` when `endpoint` can be reached from other machines and there are no keys. */
export function requireKeysUnlessLoopback(endpoint: string, keys: KeyPair | undefined): void {
  if (keys !== undefined || isLoopback(endpoint)) return;
  throw new LockstepError(
    'credentials',
    `${endpoint} is reachable from other machines, and there are no keys; run \`lockstep keys\` and give its folder to every process, or use 127.0.0.1`,
    { endpoint },
  );
}

async function readLines(folder: string, name: string): Promise<string[]> {
  const path = join(folder, name);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new LockstepError(
      'credentials',
      `cannot read ${path}; run \`lockstep keys\` and copy its folder here`,
      { path },
      { cause },
    );
  });
  const lines = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
  const bad = lines.findIndex((line) => !/^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/.test(line));
  if (bad >= 0) {
    // The line itself stays out of the message: it may be a damaged secret.
    throw new LockstepError('credentials', `${path}: entry ${bad + 1} is not a key (40 Z85 characters)`, {
      path,
    });
  }
  return lines;
}

async function readKey(folder: string, name: string): Promise<string> {
  const [key, ...more] = await readLines(folder, name);
  if (key !== undefined && more.length === 0) return key;
  const path = join(folder, name);
  throw new LockstepError('credentials', `${path} must hold exactly one key; run \`lockstep keys\` again`, {
    path,
  });
}

function readAllowed(folder: string): Promise<string[]> {
  return readLines(folder, files.allowed);
}
