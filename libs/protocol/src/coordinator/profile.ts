/** The choice of the numeric profile. */

import type { Profile } from '../messages/messages.ts';
import { journal, loadedWorkers, refuse, type Turn, update } from './turn.ts';

export const profileRemedy = 'run lockstep doctor there to see why; --profile portable runs everywhere';

/** Chooses the run's profile once, from the profiles of the gathered workers. Workers without it are refused. */
export function chooseProfile(turn: Turn): void {
  if (turn.state.profile !== null) return;
  const offers = (profile: Profile) => (worker: string) =>
    turn.state.workers.get(worker)!.hello.profiles.includes(profile);
  const gathered = loadedWorkers(turn.state);
  const wanted = turn.state.config.profile;
  const profile = wanted !== 'auto' ? wanted : gathered.every(offers('fma')) ? 'fma' : 'portable';
  update(turn, { profile });
  journal(turn, { type: 'profile', profile });
  for (const [worker, { hello }] of turn.state.workers) {
    if (offers(profile)(worker)) continue;
    const message = `profile differs: the worker has ${hello.profiles.join(' and ')}, the run ${profile}; ${profileRemedy}`;
    refuse(turn, worker, 'profile', message);
  }
}
