/**
 * The memory of one end of a lane. Its owner alone writes it; peers read it:
 *
 * | bytes             | content                                                                                |
 * |-------------------|----------------------------------------------------------------------------------------|
 * | nonce             | proves to a peer that it opened this region and no other                               |
 * | attention         | odd: the owner polls its mailboxes; even: peers must ring its bell                     |
 * | a line per peer   | `mapped`: the peer may post to the owner; `posted`: messages for it; `taken`: from it  |
 * | a mailbox per peer| a ring of slots: the message's header and where its payload lies                       |
 * | data              | payloads, which the user of the lane writes                                            |
 *
 * Each word has one writer, so a store that follows the bytes it announces is the only synchronisation. A region serves
 * one set of peers only, so a process that still reads an old region finds nothing new in it.
 */

export interface Region {
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
}

export const nonceBytes = 16;
const lineBytes = 64;
const slotBytes = 64;
const slotHeaderBytes = 16;
export const maxHeaderBytes = slotBytes - slotHeaderBytes;

/** The messages in a mailbox that its reader has not taken yet, at most; a power of two. */
export const laneMessages = 256;

/** Index of the word `attention`. */
export const attention = nonceBytes / 4;

const lineWords = { mapped: 0, posted: 1, taken: 2 } as const;

/** Index of a word in the line of `peer`. */
export function lineWord(peer: number, which: keyof typeof lineWords): number {
  return (lineBytes / 4) * (1 + peer) + lineWords[which];
}

/** Offset of the slot of message `message` for rank `reader`, in bytes. */
export function slotAt(numRanks: number, reader: number, message: number): number {
  const slot = reader * laneMessages + (message & (laneMessages - 1));
  return lineBytes * (1 + numRanks) + slotBytes * slot;
}

/** Offset of the data, in bytes. */
export function dataStart(numRanks: number): number {
  return slotAt(numRanks, numRanks, 0);
}

export function regionOf(buffer: ArrayBuffer): Region {
  const words = new Int32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
  return { buffer, bytes: new Uint8Array(buffer), words, view: new DataView(buffer) };
}

/** `payload` lies in the region. */
export function writeSlot(
  { view, bytes }: Region,
  slot: number,
  header: Uint8Array,
  payload: Uint8Array,
): void {
  view.setFloat64(slot, payload.byteOffset, true);
  view.setUint32(slot + 8, payload.byteLength, true);
  view.setUint32(slot + 12, header.length, true);
  bytes.set(header, slot + slotHeaderBytes);
}

/** A view of the payload. */
export function payloadIn({ view, bytes }: Region, slot: number): Uint8Array {
  const start = view.getFloat64(slot, true);
  return bytes.subarray(start, start + view.getUint32(slot + 8, true));
}

/** A copy of the header. */
export function headerIn({ view, bytes }: Region, slot: number): Uint8Array {
  const start = slot + slotHeaderBytes;
  return bytes.slice(start, start + view.getUint32(slot + 12, true));
}
