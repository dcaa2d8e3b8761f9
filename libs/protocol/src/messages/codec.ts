/** Encodes and decodes messages. A bad frame from outside is a result, not an exception. */

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

/** @throws LockstepError `protocol` if the message exceeds the largest frame or holds a value that is not plain data. */
export function encodeMessage(message: WorkerMessage | CoordinatorMessage): Uint8Array {
  // The copy is needed because msgpackr reuses its buffer, and ZeroMQ reads a frame after `send` has returned.
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

/** Decodes a message from a worker. */
export function decodeWorkerMessage(bytes: Uint8Array): Decoded<WorkerMessage> {
  return decode(workerMessage, bytes);
}

/** Decodes a message from the coordinator. */
export function decodeCoordinatorMessage(bytes: Uint8Array): Decoded<CoordinatorMessage> {
  return decode(coordinatorMessage, bytes);
}

/** Whether the raw frames of a message have the announced number and lengths. */
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

/** The field that is wrong, and why. Shortened, because it quotes the message. */
function reasonOf(issue: v.BaseIssue<unknown>): string {
  return `${v.getDotPath(issue) ?? 'message'}: ${issue.message}`.slice(0, MAX_REASON_LENGTH);
}

function refuse(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
