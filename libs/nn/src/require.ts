/** Checks of users' arguments of layers. */
import { LockstepError } from '@lockstep/errors';
import { formatShape, type Shape } from '@lockstep/tensor';

export function requireCount(layer: string, name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new LockstepError('argument', `${layer}: ${name} is ${value}; it must be a whole number ≥ 1`, {
    layer,
    name,
    value,
  });
}

export function requireImages(layer: string, input: Shape): void {
  if (input.length === 3) return;
  throw new LockstepError(
    'shape',
    `${layer}: takes images [height, width, channels], not rows of shape ${formatShape(input)}; reshape them first`,
    { layer, input },
  );
}

export function requireSequence(layer: string, input: Shape): void {
  if (input.length === 2) return;
  throw new LockstepError(
    'shape',
    `${layer}: takes sequences [time, features], not rows of shape ${formatShape(input)}; reshape them first`,
    { layer, input },
  );
}
