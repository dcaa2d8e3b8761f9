import { createHash } from 'node:crypto';
import { LockstepError } from '@lockstep/errors';
import { encodeHeader, type FrameKind, type Header } from './frame.ts';

/** A named range of bytes, such as all parameters. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The state of a run after `step`. */
export interface Snapshot {
  readonly step: number;
  readonly entries: readonly NamedBytes[];
}

export type SendFrame = (header: Uint8Array, payload: Uint8Array) => void;

const chunkBytes = 1 << 20;
const empty = new Uint8Array(0);

/**
 * Answers a `snapshot-request` with the manifest, the data in chunks of 1 MiB, and its SHA-256; without a snapshot, with
 * `snapshot-none`. Frames are views of the snapshot's bytes, which must not change any more.
 */
export function sendSnapshot(
  request: Header,
  rank: number,
  snapshot: Snapshot | undefined,
  sendOwned: SendFrame,
): void {
  const { run, generation, frameId } = request;
  const send = (kind: FrameKind, chunk: number, payload: Uint8Array) => {
    const step = snapshot?.step ?? 0;
    const position = { run, generation, rank, step, frameId, level: 0, index: 0, direct: false };
    sendOwned(encodeHeader({ kind, ...position, chunk, length: payload.length }), payload);
  };
  if (snapshot === undefined) {
    send('snapshot-none', 0, empty);
    return;
  }
  const manifest = snapshot.entries.map(({ name, bytes }) => ({ name, size: bytes.length }));
  send('snapshot-manifest', 0, Buffer.from(JSON.stringify(manifest)));
  const hash = createHash('sha256');
  let chunk = 0;
  for (const { bytes } of snapshot.entries) {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      const piece = bytes.subarray(at, at + chunkBytes);
      hash.update(piece);
      send('snapshot-data', chunk++, piece);
    }
  }
  send('snapshot-end', chunk, hash.digest());
}

export interface FetchOptions {
  readonly run: number;
  readonly generation: number;
  readonly rank: number;
  /** The rank that is asked for its snapshot. */
  readonly from: number;
  /** Distinguishes this transfer from earlier ones of the same generation. */
  readonly transfer: number;
  /** A larger snapshot is refused before memory is allocated for it. */
  readonly maxBytes: number;
  readonly send: SendFrame;
  readonly onDone: (snapshot: Snapshot) => void;
  /** `lost`: the peer has no snapshot. `protocol`: it is damaged, out of order or too large. Another peer may have it. */
  readonly onFailed: (error: LockstepError) => void;
}

/** A running transfer of a snapshot to us. */
export interface SnapshotFetch {
  /** Accepts a frame whose header `decodeHeader` has accepted; ignores frames of other transfers. */
  receive(header: Header, payload: Uint8Array): void;
  /** Ends the transfer without a callback. */
  abort(): void;
}

/** Asks a peer for its snapshot. Calls exactly one of `onDone` and `onFailed`, unless it is aborted. */
export function fetchSnapshot(options: FetchOptions): SnapshotFetch {
  const { run, generation, rank, from, transfer } = options;
  const hash = createHash('sha256');
  let incoming: Incoming | undefined;
  let over = false;

  const fail = (code: 'lost' | 'protocol', what: string) => {
    over = true;
    incoming = undefined;
    options.onFailed(
      new LockstepError(code, `the snapshot from rank ${from} ${what}; ask another peer`, { from, transfer }),
    );
  };
  const onManifest = (header: Header, payload: Uint8Array) => {
    if (incoming !== undefined) return;
    incoming = allocateEntries(header.step, payload, options.maxBytes);
    if (incoming === undefined)
      fail('protocol', `has no valid manifest, or exceeds ${options.maxBytes} bytes`);
  };
  const onData = (state: Incoming, header: Header, payload: Uint8Array) => {
    if (header.chunk < state.nextChunk) return;
    if (header.chunk > state.nextChunk || !append(state, payload))
      return fail('protocol', 'does not fit its manifest');
    hash.update(payload);
  };
  const onEnd = (state: Incoming, payload: Uint8Array) => {
    const isComplete = state.filled === state.total;
    if (!isComplete) return fail('protocol', `ended after ${state.filled} of ${state.total} bytes`);
    if (!hash.digest().equals(payload)) return fail('protocol', 'is damaged: its SHA-256 differs');
    over = true;
    options.onDone({ step: state.step, entries: state.entries });
  };

  const request = {
    run,
    generation,
    rank,
    step: 0,
    frameId: transfer,
    level: 0,
    index: 0,
    chunk: 0,
    length: 0,
    direct: false,
  };
  options.send(encodeHeader({ kind: 'snapshot-request', ...request }), empty);
  return {
    receive: (header, payload) => {
      const isOurs = header.run === run && header.generation === generation && header.frameId === transfer;
      if (over || !isOurs || header.rank !== from) return;
      if (header.kind === 'snapshot-none') fail('lost', 'does not exist');
      else if (header.kind === 'snapshot-manifest') onManifest(header, payload);
      else if (header.kind !== 'snapshot-data' && header.kind !== 'snapshot-end') return;
      else if (incoming === undefined) fail('protocol', 'began without a manifest');
      else if (header.kind === 'snapshot-data') onData(incoming, header, payload);
      else onEnd(incoming, payload);
    },
    abort: () => {
      over = true;
      incoming = undefined;
    },
  };
}

interface Incoming {
  readonly step: number;
  readonly entries: readonly NamedBytes[];
  readonly total: number;
  filled: number;
  nextChunk: number;
  /** The entry that is being filled, and how many of its bytes are. */
  entry: number;
  at: number;
}

function allocateEntries(step: number, manifest: Uint8Array, maxBytes: number): Incoming | undefined {
  const entries = parseManifest(manifest);
  if (entries === undefined) return undefined;
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > maxBytes) return undefined;
  const allocated = entries.map(({ name, size }) => ({ name, bytes: new Uint8Array(size) }));
  return { step, entries: allocated, total, filled: 0, nextChunk: 0, entry: 0, at: 0 };
}

function parseManifest(payload: Uint8Array): { name: string; size: number }[] | undefined {
  if (payload.length > chunkBytes) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(payload).toString());
  } catch {
    // The caller reports the invalid manifest.
    return undefined;
  }
  const isEntry = (entry: unknown): entry is { name: string; size: number } =>
    typeof entry === 'object' &&
    entry !== null &&
    'name' in entry &&
    typeof entry.name === 'string' &&
    'size' in entry &&
    Number.isSafeInteger(entry.size) &&
    (entry.size as number) >= 0;
  return Array.isArray(value) && value.every(isEntry) ? value : undefined;
}

/** Appends a chunk, which must lie within one entry. False: it does not fit. */
function append(state: Incoming, payload: Uint8Array): boolean {
  while (state.entries[state.entry]?.bytes.length === state.at) {
    state.entry++;
    state.at = 0;
  }
  const bytes = state.entries[state.entry]?.bytes;
  if (bytes === undefined || state.at + payload.length > bytes.length) return false;
  bytes.set(payload, state.at);
  state.at += payload.length;
  state.filled += payload.length;
  state.nextChunk++;
  return true;
}
