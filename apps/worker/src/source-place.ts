/** Places in an experiment's own files, from places in its bundle. */
import { SourceMap } from 'node:module';

/** `experiments/points.ts:12:20`, relative to the project, for a place in the bundle; the place itself if no map leads on. */
export function placeInSource(bundle: Uint8Array, place: string): string {
  const [, line, column] = /:(\d+):(\d+)$/.exec(place) ?? [];
  const map = mapOf(bundle);
  if (line === undefined || map === undefined) return place;
  const found = map.findOrigin(Number(line), Number(column));
  if (!('fileName' in found)) return place;
  return `${found.fileName.replace(/^(?:\.\.\/)+/, '')}:${found.lineNumber}:${found.columnNumber}`;
}

function mapOf(bundle: Uint8Array): SourceMap | undefined {
  const code = Buffer.from(bundle).toString();
  const [, encoded] =
    /\n\/\/# sourceMappingURL=data:application\/json;base64,([\w+/=]+)\s*$/.exec(code) ?? [];
  return encoded === undefined
    ? undefined
    : new SourceMap(JSON.parse(Buffer.from(encoded, 'base64').toString()) as never);
}
