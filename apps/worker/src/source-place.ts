/** Places in an experiment's own files, from places in its bundle. */
import { SourceMap } from 'node:module';
import { moduleName } from './experiment-module.ts';

/**
 * `experiments/points.ts:12:20`, relative to the project, for a place in the module that the bundle was imported as; undefined
 * for any other. Without a map of the sources it is the place itself.
 */
export function placeInSource(bundle: Uint8Array, hash: string, place: string): string | undefined {
  const [, line, column] = /:(\d+):(\d+)$/.exec(place) ?? [];
  if (line === undefined || !place.includes(moduleName(hash))) return undefined;
  // Counted from 0 in the map.
  const found = mapOf(bundle)?.findEntry(Number(line) - 1, Number(column) - 1);
  if (found === undefined || !('originalSource' in found)) return place;
  const { originalSource, originalLine, originalColumn } = found;
  return `${originalSource.replace(/^(?:\.\.\/)+/, '')}:${originalLine + 1}:${originalColumn + 1}`;
}

function mapOf(bundle: Uint8Array): SourceMap | undefined {
  const code = Buffer.from(bundle).toString();
  const [, encoded] =
    /\n\/\/# sourceMappingURL=data:application\/json;base64,([\w+/=]+)\s*$/.exec(code) ?? [];
  return encoded === undefined
    ? undefined
    : new SourceMap(JSON.parse(Buffer.from(encoded, 'base64').toString()) as never);
}
