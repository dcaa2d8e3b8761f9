/** Wakes a process of this host by a byte in a pipe. This takes one wake-up of a thread, where a socket takes three. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';

export interface Bell {
  /** The descriptor that peers open as `/proc/<pid>/fd/<fd>` to write to it. */
  readonly fd: number;
  close(): void;
}

/** A bell for a thread without an event loop. */
export interface QuietBell extends Bell {
  /** Blocks until the bell rings, for half a second at most. Returns at once if it has rung since the last call. */
  hear(): void;
}

/** Takes the two ends of a new pipe. */
export function hangQuietBell([read, fd]: readonly [number, number], hear: (fd: number) => void): QuietBell {
  return {
    fd,
    hear: () => hear(read),
    close() {
      closeSync(read);
      closeSync(fd);
    },
  };
}

/** Takes the two ends of a new pipe. Does not keep the process alive. */
export function hangBell([read, fd]: readonly [number, number], onRing: () => void): Bell {
  const socket = new Socket({ fd: read, readable: true, writable: false });
  socket.on('data', onRing).unref();
  return {
    fd,
    close() {
      socket.destroy();
      closeSync(fd);
    },
  };
}

/** The way to a bell. */
export interface Rope {
  ring(): void;
  close(): void;
}

/** Opens a peer's bell. Throws if it cannot be opened. */
export function reachBell(pid: number, fd: number): Rope {
  const own = openSync(`/proc/${pid}/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  return { ring: () => ring(own), close: () => closeSync(own) };
}

/** The way to a bell of another thread of this process. It must not be used after that bell is closed. */
export const ownBell = (fd: number): Pick<Rope, 'ring'> => ({ ring: () => ring(fd) });

const byte = Uint8Array.of(1);

function ring(fd: number): void {
  try {
    writeSync(fd, byte);
  } catch (error) {
    // A full pipe will wake the peer anyway. A peer that is gone needs no bell; its connection reports the loss.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EAGAIN' && code !== 'EPIPE') throw error;
  }
}
