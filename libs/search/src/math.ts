/** Functions of doubles that have the same bits on every machine, so that a sweep proposes the same everywhere. */
import { hostMath } from '@lockstep/kernels';

export const { exp, expm1, log, log1p, pow, cosPi, erfc, erfInv, logAddExp } = hostMath;
