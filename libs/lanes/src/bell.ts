/** Wakes a process of this host: a byte in a pipe that its event loop watches. One wake-up, where a socket takes three. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';

export interface Bell {
  /** The descriptor that peers open as `/proc/<pid>/fd/<fd>` and write to. */
  readonly fd: number;
  close(): void;
}

/** A bell that a thread without an event loop waits for. */
export interface QuietBell extends Bell {
  /** Blocks until it rings or half a second is over; returns at once if it has rung since. */
  hear(): void;
}

/** `ends`: a new pipe's. */
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

/** `ends`: a new pipe's. Does not keep the process alive. */
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

export interface Rope {
  ring(): void;
  close(): void;
}

/** The way to a peer's bell. Throws where it cannot be reached. */
export function reachBell(pid: number, fd: number): Rope {
  const own = openSync(`/proc/${pid}/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  return { ring: () => ring(own), close: () => closeSync(own) };
}

/** The way to a bell that another thread of this process has hung; not to be used once that is closed. */
export const ownBell = (fd: number): Pick<Rope, 'ring'> => ({ ring: () => ring(fd) });

const byte = Uint8Array.of(1);

function ring(fd: number): void {
  try {
    writeSync(fd, byte);
  } catch (error) {
    // A full pipe rings already. A peer that is gone needs no bell, and its connection tells that it is gone.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EAGAIN' && code !== 'EPIPE') throw error;
  }
}
