/** The simulated network: links that delay messages, and the encoding of control messages. */

import { invariant } from '@lockstep/errors';
import { decodeCoordinatorMessage, decodeWorkerMessage, encodeMessage } from '../messages/codec.ts';
import type { CoordinatorMessage, WorkerMessage } from '../messages/messages.ts';
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/** Every link delivers in the order of sending, after random delays. */
export function createLinks(clock: Clock, random: Random) {
  const lastArrivalMs = new Map<string, number>();
  return (from: string, to: string, deliver: () => void): void => {
    const link = `${from}>${to}`;
    // Most messages are fast; some take longer than a step.
    const delayMs = random.chance(0.05) ? random.between(5, 120) : random.between(0.1, 2);
    const arrivalMs = Math.max(lastArrivalMs.get(link) ?? 0, clock.now() + delayMs);
    lastArrivalMs.set(link, arrivalMs);
    clock.at(arrivalMs, deliver);
  };
}

/** A message as the receiver decodes it. */
export function carry<Message extends WorkerMessage | CoordinatorMessage>(
  message: Message,
  from: 'worker' | 'coordinator',
  encode: boolean,
): Message {
  if (!encode) return message;
  const bytes = encodeMessage(message);
  const decoded = from === 'worker' ? decodeWorkerMessage(bytes) : decodeCoordinatorMessage(bytes);
  invariant(decoded.ok, `a ${message.type} cannot be decoded from its own encoding`, { decoded });
  return decoded.message as Message;
}
