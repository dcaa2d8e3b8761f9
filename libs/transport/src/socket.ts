import type { Event, Message, MessageLike, Socket, Writable } from 'zeromq';

/** The parts of one message. */
export type Frames = readonly Uint8Array[];

/** Hosts that vanish without a word are found after 600 ms without a frame of theirs; processes that die, in milliseconds. */
export const commonOptions = {
  linger: 0,
  heartbeatInterval: 200,
  heartbeatTimeout: 600,
  sendBufferSize: 4 << 20,
  receiveBufferSize: 4 << 20,
} as const;

/** Bytes of the caller's own, which zeromq may read long after a send has returned. */
export function copyFrames(frames: Frames): Buffer[] {
  return frames.map((frame) => Buffer.from(frame));
}

export interface Sender {
  send(message: MessageLike[]): void;
  /** Forgets what is queued. */
  clear(): void;
}

/** A queue in front of a socket, which takes one send at a time. Order is kept. */
export function createSender(socket: Socket & Writable): Sender {
  let queue: MessageLike[][] = [];
  let sending = false;
  const drain = async () => {
    sending = true;
    try {
      for (let message = queue.shift(); message !== undefined; message = queue.shift())
        await socket.send(message);
    } catch (error) {
      // Closing rejects the send in progress; anything else is a bug to surface.
      if (!socket.closed) throw error;
    } finally {
      sending = false;
    }
  };
  return {
    send: (message) => {
      if (socket.closed) return;
      queue.push(message);
      if (!sending) void drain();
    },
    clear: () => {
      queue = [];
    },
  };
}

/** Hands every message to `onMessage` until the socket is closed. What the handler throws ends the process. */
export async function receiveAll(
  socket: Socket & AsyncIterable<Message[]>,
  onMessage: (frames: Message[]) => void,
): Promise<void> {
  for await (const frames of socket) {
    if (socket.closed) return;
    onMessage(frames);
  }
}

/** Hands every event to `onEvent`; resolves when the socket is gone and its address free. */
export async function watch(socket: Socket, onEvent: (event: Event) => void): Promise<void> {
  for await (const event of socket.events) {
    if (event.type === 'end') return;
    onEvent(event);
  }
}
