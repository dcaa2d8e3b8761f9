/** Detects files of another format than their name says, by their first bytes. */

interface Kind {
  readonly begins: readonly number[] | RegExp;
  readonly is: string;
}

const kinds: readonly Kind[] = [
  { begins: [0x1f, 0x8b], is: 'is packed by gzip; unpack it with gunzip' },
  { begins: [0x28, 0xb5, 0x2f, 0xfd], is: 'is packed by zstd; unpack it with unzstd' },
  { begins: [0x42, 0x5a, 0x68], is: 'is packed by bzip2; unpack it with bunzip2' },
  { begins: [0xfd, 0x37, 0x7a, 0x58, 0x5a], is: 'is packed by xz; unpack it with unxz' },
  {
    begins: [0x50, 0x4b, 0x03, 0x04],
    is: 'is a ZIP archive, as .npz and .xlsx files are; give it the ending of its format, or save the table as CSV',
  },
  { begins: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59], is: 'is an NPY file; give it the ending .npy' },
  { begins: [0x50, 0x41, 0x52, 0x31], is: 'is a Parquet file; save it as CSV or NPZ' },
  { begins: [0x89, 0x48, 0x44, 0x46], is: 'is an HDF5 file; save its arrays as NPZ or safetensors' },
  { begins: [0x80, 0x02], is: 'is a Python pickle; save its arrays as NPZ or safetensors' },
  { begins: [0x25, 0x50, 0x44, 0x46], is: 'is a PDF document' },
  {
    begins: /^version https:\/\/git-lfs\.github\.com\/spec/,
    is: 'is a pointer of Git LFS, not the file itself; fetch the file with git lfs pull',
  },
  {
    begins: /^\s*<(!doctype html|html|head|\?xml)/i,
    is: 'is a web page, perhaps an error page that was saved in place of the file; download it again',
  },
];

/**
 * Says what a file is that begins with `bytes`, and what to do, as the predicate of a sentence: 'is packed by gzip; …'.
 * Undefined if the bytes are not known.
 */
export function foreignKind(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 100)).toString(
    'latin1',
  );
  return kinds.find(({ begins }) =>
    begins instanceof RegExp ? begins.test(text) : begins.every((byte, i) => bytes[i] === byte),
  )?.is;
}
