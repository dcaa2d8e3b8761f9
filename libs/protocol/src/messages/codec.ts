/** Messages to bytes and back. What comes from outside is data: a bad frame is a result, never an exception. */

import { LockstepError } from '@lockstep/errors';
import { Packr } from 'msgpackr/pack';
import * as v from 'valibot';
import { MAX_MESSAGE_BYTES } from '../constants.ts';
import {
  type CoordinatorMessage,
  coordinatorMessage,
  type WorkerMessage,
  workerMessage,
} from './messages.ts';
import { isWellFormed } from './well-formed.ts';

export type Decoded<Message> =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly reason: string };

const MAX_REASON_LENGTH = 300;

const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  int64AsType: 'number',
  encodeUndefinedAsNil: true,
});

/** @throws LockstepError `protocol` when the message is larger than a frame may be or holds more than plain data. */
export function encodeMessage(message: WorkerMessage | CoordinatorMessage): Uint8Array {
  // A copy: msgpackr packs into a buffer it goes on using, and ZeroMQ reads a frame after `send` has returned.
  const bytes = new Uint8Array(packr.pack(message));
  if (bytes.byteLength > MAX_MESSAGE_BYTES) {
    throw new LockstepError(
      'protocol',
      `${message.type}: ${bytes.byteLength} bytes exceed the ${MAX_MESSAGE_BYTES} of a message; send bulk bytes as raw frames`,
      { type: message.type, bytes: bytes.byteLength, limit: MAX_MESSAGE_BYTES },
    );
  }
  if (!isWellFormed(bytes)) {
    throw new LockstepError(
      'protocol',
      `${message.type}: holds a value that is not plain data (a Date, Set, function or deep nesting?); send numbers, strings, arrays and objects`,
      { type: message.type },
    );
  }
  return bytes;
}

/** Reads what a worker sent. */
export function decodeWorkerMessage(bytes: Uint8Array): Decoded<WorkerMessage> {
  return decode(workerMessage, bytes);
}

/** Reads what the coordinator sent. */
export function decodeCoordinatorMessage(bytes: Uint8Array): Decoded<CoordinatorMessage> {
  return decode(coordinatorMessage, bytes);
}

/** Whether the raw frames that came with a message are those it announced. */
export function framesMatch(announced: readonly number[], frames: readonly Uint8Array[]): boolean {
  return announced.length === frames.length && frames.every((frame, i) => frame.byteLength === announced[i]);
}

function decode<Message>(schema: v.GenericSchema<unknown, Message>, bytes: Uint8Array): Decoded<Message> {
  if (bytes.byteLength > MAX_MESSAGE_BYTES) {
    return refuse(`${bytes.byteLength} bytes, more than the ${MAX_MESSAGE_BYTES} of a message`);
  }
  if (!isWellFormed(bytes)) return refuse('not one plain msgpack value');
  const unpacked = unpack(bytes);
  if (!unpacked.ok) return unpacked;
  const parsed = v.safeParse(schema, unpacked.message, { abortEarly: true });
  return parsed.success ? { ok: true, message: parsed.output } : refuse(reasonOf(parsed.issues[0]));
}

function unpack(bytes: Uint8Array): Decoded<unknown> {
  try {
    return { ok: true, message: packr.unpack(bytes) };
  } catch (error) {
    return refuse(`not msgpack: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Where the message differs and how. Cut, because it quotes what came. */
function reasonOf(issue: v.BaseIssue<unknown>): string {
  return `${v.getDotPath(issue) ?? 'message'}: ${issue.message}`.slice(0, MAX_REASON_LENGTH);
}

function refuse(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
