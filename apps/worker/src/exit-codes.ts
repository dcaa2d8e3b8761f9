import type { Exit } from '@lockstep/protocol';

export const exitCodes = {
  stopped: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  lost: 4,
  nonFinite: 5,
  absent: 6,
} as const;

export function exitCodeOf({ reason }: Exit): number {
  switch (reason) {
    case 'finished':
    case 'interrupted':
    case 'left':
      return exitCodes.stopped;
    case 'failed':
      return exitCodes.failed;
    case 'refused':
      return exitCodes.refused;
    case 'nonFinite':
      return exitCodes.nonFinite;
    case 'coordinatorLost':
      return exitCodes.lost;
    case 'coordinatorAbsent':
      return exitCodes.absent;
    default:
      return reason satisfies never;
  }
}
