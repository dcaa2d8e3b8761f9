/** Reads text files in pieces: unpacks and decodes them, and refuses bytes that are no text. */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { LockstepError } from '@lockstep/errors';
import { foreignKind } from '@lockstep/formats';
import { dataVariable } from '../files.ts';

/**
 * Yields the text of a file in pieces. Unpacks gzip. Without `encoding` the text is UTF-8, or UTF-16 if there is a byte
 * order mark of UTF-16.
 *
 * @throws LockstepError `data` if the file cannot be read, is no text, or has bytes that are not of the encoding.
 */
export async function* readText(path: string, encoding?: string): AsyncGenerator<string> {
  let decode: ((bytes: Buffer, isLast: boolean) => string) | undefined;
  for await (const bytes of unpacked(path)) {
    decode ??= decoderFor(path, bytes, encoding);
    yield decode(bytes, false);
  }
  if (decode !== undefined) yield decode(Buffer.alloc(0), true);
}

/** The whole text of a file, as {@link readText} reads it. */
export async function readWholeText(path: string, encoding?: string): Promise<string> {
  const pieces: string[] = [];
  for await (const piece of readText(path, encoding)) pieces.push(piece);
  return pieces.join('');
}

/** @throws LockstepError `argument` unless `encoding` is a name that text decoders know. */
export function requireEncoding(op: string, encoding: string): void {
  try {
    new TextDecoder(encoding);
  } catch (cause) {
    throw new LockstepError(
      'argument',
      `${op}: encoding '${encoding}' is unknown; use for example 'utf-8', 'latin1', 'windows-1252' or 'utf-16le'`,
      { encoding },
      { cause },
    );
  }
}

async function* unpacked(path: string): AsyncGenerator<Buffer> {
  try {
    const file = createReadStream(path);
    let isPacked: boolean | undefined;
    const gunzip = createGunzip();
    for await (const bytes of file as AsyncIterable<Buffer>) {
      isPacked ??= bytes[0] === 0x1f && bytes[1] === 0x8b;
      if (!isPacked) {
        yield bytes;
        continue;
      }
      file.destroy();
      const packed = createReadStream(path);
      packed.once('error', (error) => gunzip.destroy(error));
      yield* packed.pipe(gunzip) as AsyncIterable<Buffer>;
      return;
    }
  } catch (cause) {
    if (isDamage(cause)) {
      const message = `${path}: the gzip file is damaged (${cause.message}); copy or pack it again`;
      throw new LockstepError('data', message, { path }, { cause });
    }
    throw new LockstepError(
      'data',
      `${path}: cannot be read (${String(cause)}); give a path relative to ${process.cwd()}, an absolute one, or one in the folder that ${dataVariable} names`,
      { path },
      { cause },
    );
  }
}

const isDamage = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');

function decoderFor(
  path: string,
  first: Buffer,
  encoding: string | undefined,
): (bytes: Buffer, isLast: boolean) => string {
  const foreign = foreignKind(first);
  if (foreign !== undefined) throw new LockstepError('data', `${path}: the file ${foreign}`, { path });
  const marked = first[0] === 0xff && first[1] === 0xfe ? 'utf-16le' : undefined;
  const chosen = encoding ?? marked ?? (first[0] === 0xfe && first[1] === 0xff ? 'utf-16be' : 'utf-8');
  return chosen.toLowerCase().replace('-', '') === 'utf8'
    ? createUtf8Decoder(path)
    : createOtherDecoder(path, chosen);
}

function createOtherDecoder(path: string, encoding: string): (bytes: Buffer, isLast: boolean) => string {
  const decoder = new TextDecoder(encoding, { fatal: true });
  return (bytes, isLast) => {
    try {
      const text = decoder.decode(bytes, { stream: !isLast });
      if (!text.includes('\0')) return text;
      throw new Error('there is a zero character');
    } catch (cause) {
      const message = `${path}: the file is not text in ${encoding}; give its encoding`;
      throw new LockstepError('data', message, { path, encoding }, { cause });
    }
  };
}

const newline = 0x0a;

/** Decodes whole lines, so that an error can name line and byte. */
function createUtf8Decoder(path: string): (bytes: Buffer, isLast: boolean) => string {
  let rest: Buffer = Buffer.alloc(0);
  let line = 1;
  let isStart = true;
  return (bytes, isLast) => {
    const whole = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const cut = isLast ? whole.length : whole.lastIndexOf(newline) + 1;
    const lines = whole.subarray(0, cut);
    rest = whole.subarray(cut);
    if (lines.includes(0)) throw notText(path, lines, line, lines.indexOf(0), 'a zero byte', 'utf-16le');
    if (!isUtf8(lines)) {
      const at = firstInvalid(lines);
      const byte = lines[at]!.toString(16).padStart(2, '0');
      throw notText(path, lines, line, at, `the byte 0x${byte}, which is not UTF-8`);
    }
    for (let at = lines.indexOf(newline); at >= 0; at = lines.indexOf(newline, at + 1)) line++;
    const text = lines.toString('utf8');
    if (!isStart || text === '') return text;
    isStart = false;
    return text.replace(/^\uFEFF/, '');
  };
}

function notText(
  path: string,
  bytes: Buffer,
  firstLine: number,
  at: number,
  what: string,
  likely = 'latin1',
): LockstepError {
  let line = firstLine;
  let start = 0;
  for (let next = bytes.indexOf(newline); next >= 0 && next < at; next = bytes.indexOf(newline, next + 1)) {
    line++;
    start = next + 1;
  }
  const byte = at - start + 1;
  return new LockstepError(
    'data',
    `${path}: line ${line}, byte ${byte}: the file has ${what}; save it as UTF-8, or give the encoding that it has, such as encoding: '${likely}'`,
    { path, line, byte },
  );
}

/** The position of the first byte that is invalid in UTF-8. Source: Unicode, table 3-7. */
function firstInvalid(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at]!;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (!isUtf8(bytes.subarray(at, at + length))) return at;
    at += length;
  }
  return at;
}
