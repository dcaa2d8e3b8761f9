import { join } from 'node:path';
import { checkpointFolder, saveCheckpoint } from '@lockstep/checkpoint';
import { initialProgress } from '@lockstep/run';
import { readManifest } from '@lockstep/tracking';
import { resolveConfig } from '@lockstep/training';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadExperiment } from './experiment-file.ts';
import { createProject, type TestProject } from './fixtures/project.ts';
import { createRunFolder, openRunFolder } from './run-folder.ts';
import { changeLength, planLength } from './run-length.ts';

let project: TestProject;
let folder: string;
/** A run of 2 epochs of 3 steps: 30 samples in batches of 12. */
beforeEach(async () => {
  project = await createProject();
  const path = await project.write(
    'lengthy.ts',
    `import { defineExperiment } from 'lockstep';
const data = { load: async ({ limitSamples }) => ({ splits: { train: { size: Math.min(30, limitSamples ?? 30) } } }) };
export default defineExperiment({ name: 'lengthy', data, batch: { size: 12, shards: 4 }, epochs: 2 });`,
  );
  const file = await loadExperiment(path);
  const { run } = await createRunFolder(
    join(project.folder, 'runs'),
    file,
    resolveConfig(file.experiment),
    'portable',
  );
  await run.close();
  folder = run.folder;
});
afterEach(() => project.remove());

const reach = (step: number, progress: object = initialProgress) =>
  saveCheckpoint(checkpointFolder(folder), { step, header: { progress }, tensors: {} });

describe('the length of a run', () => {
  it('does not change if it is not given or is the same', async () => {
    expect(await planLength(folder, {})).toBeUndefined();
    expect(await planLength(folder, { epochs: 2 })).toBeUndefined();
  });

  it('changes at the newest checkpoint', async () => {
    await reach(3);
    await reach(4);
    const planned = await planLength(folder, { epochs: 5 });
    expect(planned).toMatchObject({
      config: { epochs: 5, steps: null, seed: 1, batchSize: 12 },
      change: { step: 4, epochs: 5, steps: null, before: { epochs: 2, steps: null } },
    });
    expect(planned!.note).toMatch(/^the length changes after step 4, from 2 epochs to 5 epochs: /);
    expect((await planLength(folder, { steps: 9 }))!.config).toMatchObject({ epochs: null, steps: 9 });
    const both = await planLength(folder, { steps: 9, epochs: 4 });
    expect(both!.note).toContain('to 4 epochs and at most 9 steps');
  });

  it('changes at the start of a run that has no checkpoint', async () => {
    expect((await planLength(folder, { steps: 9 }))!.change.step).toBe(0);
  });

  it.each([
    [{ epochs: 1 }, '--epochs 1: that is 3 steps in all'],
    [{ steps: 3 }, '--steps 3: that is 3 steps in all'],
    [{ steps: 9, epochs: 1 }, '--epochs 1 --steps 9: that is 3 steps in all'],
  ])('must not be less than the steps that are done: %j', async (asked, message) => {
    await reach(4);
    await expect(planLength(folder, asked)).rejects.toMatchObject({
      code: 'config',
      message: `${message}, and ${folder} has done 4; give at least as many`,
    });
  });

  it('may be less than before', async () => {
    await reach(4);
    expect((await planLength(folder, { steps: 4 }))!.config.steps).toBe(4);
  });

  it('cannot continue a run that early stopping has ended', async () => {
    await reach(3, { ...initialProgress, stopped: true });
    await expect(planLength(folder, { epochs: 9 })).rejects.toThrow(
      /was ended by early stopping after step 3/,
    );
  });

  it('is kept with its history', async () => {
    await reach(4);
    for (const steps of [9, 12]) {
      const opened = await openRunFolder(folder);
      const changed = await changeLength(opened, (await planLength(folder, { steps }))!);
      await opened.run.close();
      expect(changed.config).toMatchObject({ steps, epochs: null });
    }
    expect(await readManifest(folder)).toMatchObject({
      config: { steps: 12, epochs: null },
      changes: [
        { step: 4, steps: 9, epochs: null, before: { steps: null, epochs: 2 } },
        { step: 4, steps: 12, epochs: null, before: { steps: 9, epochs: null } },
      ],
    });
    expect((await openAndClose()).config).toMatchObject({ steps: 12 });
  });
});

async function openAndClose() {
  const opened = await openRunFolder(folder);
  await opened.run.close();
  return opened;
}
