/** Durable files, and errors that name path, cause and remedy. */
export { removeTemporaries, writeAtomic } from './atomic.ts';
export { cutBack } from './cut-back.ts';
export { type Disk, disk, makeDurableFolder, type OpenFile, unsyncedDisk } from './disk.ts';
export { fileError, fileErrorCode, freeBytesAt } from './file-error.ts';
export { readInto, readWhole } from './read-whole.ts';
