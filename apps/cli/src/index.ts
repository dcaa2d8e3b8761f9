/** The lockstep command. */
export { runCommandLine } from './cli.ts';
export { readArgs, splitAtDashes } from './command-line.ts';
export { exitCodes } from './errors.ts';
export { planLaunch } from './launch/plan.ts';
export { readRunArgs } from './launch/run-args.ts';
export { monitoringRoutes } from './monitoring.ts';
export { pageAddress } from './page.ts';
export type { Stream, Terminal } from './terminal.ts';
