/** Options of `lockstep launch`. */
import { choice, type OptionTable, text, wholeNumber } from '../option.ts';
import { networkOptions } from '../options.ts';
import { roles } from './plan.ts';

export const launchOptions = {
  role: choice(roles, {
    describe: 'the part of this process (default: rank 0 is both, the others are workers)',
  }),
  coordinator: text({
    describe:
      'HOST:PORT of a coordinator that is started elsewhere, or the run folder of another job (default: LOCKSTEP_COORDINATOR, else the host of rank 0)',
  }),
  port: wholeNumber(1, { describe: 'port of the coordinator (default: as the launcher says, else 7070)' }),
  job: text({
    describe:
      'name of the run folder, with which a job that is started again goes on (default: LOCKSTEP_JOB, else the launcher’s)',
  }),
  threads: wholeNumber(1, { describe: 'compute threads of the worker (default: its share of the cores)' }),
  keys: text({
    describe: `${networkOptions.keys.describe} (default: LOCKSTEP_KEYS, else the secret in LOCKSTEP_SECRET)`,
  }),
  'code-file': text({
    describe: 'where rank 0 writes its exit code, for launchers that report the code of a lost worker',
  }),
  bind: text({ describe: 'where a worker listens for other workers' }),
  advertise: text({ describe: 'host under which other workers reach it' }),
  wait: wholeNumber(0, { describe: 'seconds to wait for the coordinator', default: 300 }),
} satisfies OptionTable;
