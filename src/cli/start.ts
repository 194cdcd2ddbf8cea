// latentgpu start: a first model in about two minutes, from nothing.
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { openDevice } from '../device/index.ts';
import { ensureSoftwareVulkan } from '../device/install.ts';
import { isLatentGpuError } from '../errors.ts';
import type { Given } from '../schema/index.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import type { Output } from './common/output.ts';
import { table } from './common/text.ts';
import { train } from './training/run.ts';
import { finish } from './training/summary.ts';

/** As much as two processor cores train in about two minutes. */
const DIGITS = 20000;
const EPOCHS = 13;
const FOLDER = 'runs/digits-vae';

/** A folder that does not exist yet: what earlier starts left stays. */
async function freshFolder(): Promise<string> {
  for (let n = 1; ; n++) {
    const folder = n === 1 ? FOLDER : `${FOLDER}-${n}`;
    if (!(await stat(folder).catch(() => undefined))) return folder;
  }
}

/** Makes sure that there is an adapter, if need be by installing a browser and its software one. */
async function ensureAdapter(out: Output): Promise<void> {
  try {
    (await openDevice()).destroy();
  } catch (error) {
    if (!isLatentGpuError(error, 'no-adapter')) throw error;
    ensureSoftwareVulkan({ log: (line) => out.say(line.replace(/^latentgpu: /, '')) });
  }
}

async function perform(context: Context): Promise<void> {
  const { out, seed } = context;
  await ensureAdapter(out);
  const given = new Map<string, Given>([['epochs', { value: EPOCHS, source: 'start' }]]);
  if (seed !== undefined) given.set('seed', { value: seed, source: '--seed' });
  const folder = await freshFolder();
  out.say('training a variational autoencoder on digits that are drawn here, about two minutes');
  const summary = await train(
    {
      family: 'vae',
      sources: [given],
      data: { data: 'digits', limit: DIGITS },
      folder,
      force: false,
      resume: undefined,
    },
    context,
  );
  finish(summary, context);
  if (summary.reason !== 'interrupted') out.say(next(folder));
}

function next(folder: string): string {
  const commands = [
    [`sample ${folder} --count 100 --out digits.png`, 'more digits'],
    [`eval ${folder} --samples 500 --limit 200`, 'how good it is'],
    [`inspect ${folder}`, 'its tensors, its plan on the GPU'],
    ['train vae --data mnist', 'real MNIST; --data-dir if you have it'],
    ['bench', 'how fast each kernel is here'],
    ['--help', 'the rest'],
  ];
  const lines = table([
    ...commands.map(([command, what]) => [`  npx latentgpu ${command}`, `${what}`]),
    ['  npm run demo', 'a page that trains in the browser'],
  ]);
  return `\nLook at the pictures in ${folder}. What to type next:\n\n${lines}`;
}

export function startCommand(program: Command): void {
  const command = program
    .command('start')
    .description('Trains a first model on the built-in digits, in about two minutes.')
    .action((options: CommonOptions) => runCommand(options, perform));
  common(command, 'latentgpu start');
}
