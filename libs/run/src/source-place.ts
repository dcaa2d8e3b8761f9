/** Maps places in an experiment's bundle to places in its source files. */
import { existsSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { causesOf, type ErrorCode, LockstepError, originOf } from '@lockstep/errors';

/** A bundle that was imported as a module of the name {@link moduleName}. */
export interface Source {
  readonly bundle: Uint8Array;
  /** SHA-256 of the bundle. */
  readonly hash: string;
  /** The folder of the project: files in it are shown relative to the working directory. */
  readonly root?: string | undefined;
}

/**
 * The folder of a project that keeps bundles, so that their imports resolve. Files in source maps are relative to it.
 */
export const bundleFolder = join('node_modules', '.cache', 'lockstep');

/** The file name under which a bundle is imported. */
export const moduleName = (hash: string): string => `${hash.slice(0, 32)}.mjs`;

/**
 * `experiments/points.ts:12:20`, relative to the project, for a place in the imported bundle; undefined for any other
 * place. Without a source map, the place itself.
 */
export function placeInSource(bundle: Uint8Array, hash: string, place: string): string | undefined {
  if (!place.includes(moduleName(hash))) return undefined;
  const [, line, column] = /:(\d+):(\d+)$/.exec(place) ?? [];
  if (line === undefined) return undefined;
  const found = inMap(mapOf(bundle), { line: Number(line), column: Number(column) });
  return found === undefined ? place : `${inProject(found.file)}:${found.line}:${found.column}`;
}

interface Place {
  /** Line and column count from 1. */
  readonly line: number;
  readonly column: number;
}

interface FilePlace extends Place {
  /** Relative to the folder of bundles. */
  readonly file: string;
}

function inMap(map: SourceMap | undefined, { line, column }: Place): FilePlace | undefined {
  // The map counts from 0.
  const found = map?.findEntry(line - 1, column - 1);
  if (found === undefined || !('originalSource' in found)) return undefined;
  const { originalSource: file, originalLine, originalColumn } = found;
  return { file, line: originalLine + 1, column: originalColumn + 1 };
}

/** The path relative to the project, which contains the folder of bundles. */
const inProject = (file: string): string => file.replace(/^(?:\.\.\/)+/, '');

function mapOf(bundle: Uint8Array): SourceMap | undefined {
  const code = Buffer.from(bundle).toString();
  const [, encoded] =
    /\n\/\/# sourceMappingURL=data:application\/json;base64,([\w+/=]+)\s*$/.exec(code) ?? [];
  return encoded === undefined
    ? undefined
    : new SourceMap(JSON.parse(Buffer.from(encoded, 'base64').toString()) as SourceMapPayload);
}

/**
 * Puts the place in the user's files in front of an error's message. The place is the innermost user line of the
 * stack, else the line that made the layer at fault, else the line of the experiment's field that the error is about.
 * `defined` is the stack of the call of defineExperiment. Returns an error without any such place unchanged.
 */
export function atSource(error: unknown, source: Source, defined?: string): unknown {
  if (!(error instanceof Error)) return error;
  const map = mapOf(source.bundle);
  if (map === undefined) return error;
  const frames = framesIn(source, map);
  const innermost = causesOf(error).toReversed();
  const thrown = innermost.map(({ stack = '' }) => frames(stack)[0]).find((place) => place !== undefined);
  const { field, made = '' } = originOf(error);
  const place =
    thrown ?? frames(made)[0] ?? (field && defined !== undefined && fieldPlace(source, map, field, defined));
  if (!place) return error;
  const text = shown(inMap(map, place)!, source.root);
  const facts = { ...(error as Partial<LockstepError>).facts, place: text };
  const code = codeOf(error, thrown !== undefined);
  const placed = new LockstepError(code, `${text}: ${error.message}`, facts, { cause: error });
  // Logs show where the error was thrown, not where it was caught.
  const [first] = innermost;
  placed.stack = `${placed.name}: ${placed.message}\n${first?.stack
    ?.split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n')}`;
  return placed;
}

/** The libraries may call user code at great depth. */
const maxFrames = 100;

/** The number of running calls that need long stacks: imports may overlap. */
let numLong = 0;
/** The process's settings before the first of those calls. */
let before = { limit: 0, isMapping: false };

/**
 * Makes stacks long and keeps places in the bundle unmapped: a stack becomes text when it is first read, and Node may
 * run with source maps. Returns the function that restores both settings.
 */
function withLongStacks(): () => void {
  if (numLong++ === 0) before = { limit: Error.stackTraceLimit, isMapping: process.sourceMapsEnabled };
  Error.stackTraceLimit = maxFrames;
  process.setSourceMapsEnabled(false);
  return () => {
    if (--numLong > 0) return;
    Error.stackTraceLimit = before.limit;
    process.setSourceMapsEnabled(before.isMapping);
  };
}

/** Runs a function that calls the experiment's functions. Its errors pass through {@link atSource}. */
export function placed<T>(source: Source, defined: () => string | undefined, run: () => T): T {
  const restore = withLongStacks();
  try {
    return run();
  } catch (error) {
    throw atSource(error, source, defined());
  } finally {
    restore();
  }
}

/** Like {@link placed}, for asynchronous work such as an import or the reading of data. */
export async function placedLater<T>(source: () => Source, run: () => Promise<T>): Promise<T> {
  const restore = withLongStacks();
  try {
    return await run();
  } catch (error) {
    throw atSource(error, source());
  } finally {
    restore();
  }
}

/** The frames of a stack that lie in the bundle and map to the user's files, innermost first. */
function framesIn({ hash }: Source, map: SourceMap): (stack: string) => Place[] {
  const frame = new RegExp(`^\\s+at .*${moduleName(hash)}:(\\d+):(\\d+)\\)?$`);
  return (stack) =>
    stack.split('\n').flatMap((text) => {
      const [, line, column] = frame.exec(text)?.map(Number) ?? [];
      if (line === undefined || column === undefined) return [];
      return inMap(map, { line, column }) === undefined ? [] : [{ line, column }];
    });
}

/**
 * The code of the new error. The name is compared, because a LockstepError may come from another copy of the library.
 */
function codeOf(error: Error, isThrownByUser: boolean): ErrorCode {
  if (error.name === 'LockstepError') return (error as LockstepError).code;
  return isThrownByUser ? 'experiment' : 'internal';
}

/**
 * The place of a field of the experiment in the bundle. Bundles have one field per line unless the object is written
 * on one line; otherwise the result is the place of the field around it, or of the call.
 */
function fieldPlace(source: Source, map: SourceMap, field: readonly string[], defined: string) {
  const [call] = framesIn(source, map)(defined);
  if (call === undefined) return undefined;
  const lines = Buffer.from(source.bundle).toString().split('\n');
  let found: Place = call;
  let indent = /^ */.exec(lines[call.line - 1]!)![0].length;
  for (const name of field) {
    indent += 2;
    const written = [name, JSON.stringify(name)].map((text) => text.replace(/[^\w\s]/g, '\\$&'));
    const start = new RegExp(`^ {${indent}}(?:async |\\*)?(?:${written.join('|')})(?![\\w$])`);
    const isInside = (line: string): boolean => line.startsWith(' '.repeat(indent));
    let at = found.line;
    while (at < lines.length && isInside(lines[at]!) && !start.test(lines[at]!)) at++;
    if (!start.test(lines[at] ?? '')) return found;
    found = { line: at + 1, column: indent + 1 };
  }
  return found;
}

/** The file relative to the working directory if the file is inside it, as long as the file exists on this machine. */
function shown({ file, line, column }: FilePlace, root: string | undefined): string {
  const full = root && resolve(root, bundleFolder, file);
  if (!full || !existsSync(full)) return `${inProject(file)}:${line}:${column}`;
  const short = relative(process.cwd(), full);
  return `${short.startsWith('..') ? full : short}:${line}:${column}`;
}
