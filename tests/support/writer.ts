// A process that writes to a folder until it is killed: `writer.mjs <what> <folder> <argument> [dies]`.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isLatentGpuError } from '../../src/errors.ts';
import { holdingFolder } from '../../src/training/lock.node.ts';
import { RunFolder } from '../../src/training/run-folder.node.ts';
import { checkpointOf, goOn, recordOf, saveStep, type Which } from './states.ts';

const [what, folder, argument, dies] = process.argv.slice(2) as [string, string, string, string?];
const say = (text: string) => process.stdout.write(`${text}\n`);

/** Saves one step after another, of the run in the folder, or of a new model in its place. */
async function save(): Promise<void> {
  await holdingFolder(folder, async () => {
    let at: { which: Which; step: number };
    say('ready');
    if (argument === 'on') at = await goOn(folder);
    else {
      at = { which: argument as Which, step: 0 };
      await new RunFolder(folder).begin(recordOf(at.which), checkpointOf(at.which, 0));
    }
    for (let step = at.step + 1; ; step++) await saveStep(new RunFolder(folder), at.which, step);
  });
}

/** Takes the folder so many times, and keeps a diary of it. */
async function take(): Promise<void> {
  const diary = join(folder, 'diary');
  say('begun');
  for (let left = Number(argument); left > 0; ) {
    try {
      await holdingFolder(folder, async () => {
        appendFileSync(diary, `${process.pid} in\n`);
        await pause(Math.random() * 3);
        if (dies && Math.random() < 0.5) process.kill(process.pid, 'SIGKILL');
        appendFileSync(diary, `${process.pid} out\n`);
      });
      left--;
    } catch (error) {
      if (!isLatentGpuError(error, 'bad-input')) throw error;
      await pause(Math.random() * 10);
    }
  }
  say('done');
}

/** Holds the folder until it is killed. */
async function hold(): Promise<void> {
  await holdingFolder(folder, async () => {
    say('ready');
    await pause(600_000);
  });
}

const acts = { save, take, hold };
await acts[what as keyof typeof acts]();
