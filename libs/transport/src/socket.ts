import type { Event, Message, MessageLike, Socket, Writable } from 'zeromq';

/** The frames of one message. */
export type Frames = readonly Uint8Array[];

/** A host that vanishes is found after 600 ms without a frame from it; a process that dies, within milliseconds. */
export const commonOptions = {
  linger: 0,
  heartbeatInterval: 200,
  heartbeatTimeout: 600,
  sendBufferSize: 4 << 20,
  receiveBufferSize: 4 << 20,
} as const;

/** Copies of the caller's bytes: zeromq may read them long after `send` has returned. */
export function copyFrames(frames: Frames): Buffer[] {
  return frames.map((frame) => Buffer.from(frame));
}

export interface Sender {
  send(message: MessageLike[]): void;
  /** Drops all queued messages. */
  clear(): void;
}

/** A queue in front of a socket, which accepts one send at a time. Keeps the order. */
export function createSender(socket: Socket & Writable): Sender {
  let queue: MessageLike[][] = [];
  let sending = false;
  const drain = async () => {
    sending = true;
    try {
      for (let message = queue.shift(); message !== undefined; message = queue.shift())
        await socket.send(message);
    } catch (error) {
      // Closing the socket rejects the send in progress; any other error is a bug.
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

/** Passes every message to `onMessage` until the socket is closed. An error in the handler ends the process. */
export async function receiveAll(
  socket: Socket & AsyncIterable<Message[]>,
  onMessage: (frames: Message[]) => void,
): Promise<void> {
  for await (const frames of socket) {
    if (socket.closed) return;
    onMessage(frames);
  }
}

/** Passes every event to `onEvent`; resolves when the socket is gone and its address is free. */
export async function watch(socket: Socket, onEvent: (event: Event) => void): Promise<void> {
  for await (const event of socket.events) {
    if (event.type === 'end') return;
    onEvent(event);
  }
}
