// The command for a machine with a GPU: everything that is to be known of it, in one go.
import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { parseReport } from '../../src/bench/index.ts';
import { writeFileAtomic } from '../../src/formats/atomic.node.ts';
import type { Report } from './rows.ts';
import { gpuPage, pageName } from './table.ts';
import { parseTorchReport } from './torch.ts';

/** Where this file, and the others that are built beside it, lie. */
const built = fileURLToPath(new URL('.', import.meta.url));
const STAGES = ['doctor', 'bench', 'torch', 'table', 'train', 'tests'] as const;
type Stage = (typeof STAGES)[number];

interface RunFlags {
  out: string;
  seconds: number;
  python: string;
  only?: Stage[];
}

const seconds = (text: string): number => {
  const value = Number(text);
  if (value > 0 && value <= 3600) return value;
  throw new InvalidArgumentError('It must be a number above 0 and at most 3600.');
};

const stages = (text: string): Stage[] => {
  const named = text.split(',') as Stage[];
  if (named.every((stage) => STAGES.includes(stage))) return named;
  throw new InvalidArgumentError(`Stages are ${STAGES.join(', ')}.`);
};

const say = (text: string) => process.stderr.write(`${text}\n`);

/** Runs a program; what it prints on standard output. Throws if it fails. */
async function output(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  const code = await new Promise<number | string>((done) => {
    child.on('error', (error) => done(error.message));
    child.on('close', (status, signal) => done(status ?? signal ?? 1));
  });
  if (code === 0) return text;
  throw Object.assign(new Error(`${program} ended with ${code}`), { output: text });
}

const own = (file: string, ...args: string[]) =>
  output(process.execPath, [join(built, file), ...args]);

const reference = (name: string) => join(built, '../bench/reference', name);

async function readIfThere(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch(() => undefined);
}

async function makeTable(benchFile: string, torchFile: string | undefined): Promise<Report> {
  const torchText = torchFile && (await readIfThere(torchFile));
  return {
    bench: parseReport(await readFile(benchFile, 'utf8'), benchFile),
    torch: torchText ? parseTorchReport(torchText, torchFile) : undefined,
  };
}

/** Each stage leaves its files in the folder; nothing of a stage is needed by another but the table. */
function stagesOf({ out, seconds: time, python }: RunFlags): Record<Stage, () => Promise<string>> {
  const at = (name: string) => join(out, name);
  return {
    async doctor() {
      await writeFile(at('doctor.json'), await own('cli.js', 'doctor', '--json'));
      return 'doctor.json';
    },
    async bench() {
      const files = ['--out', at('latentgpu.json'), '--html', at('latentgpu.html')];
      await own('cli.js', 'bench', '--curves', '--seconds', `${time}`, ...files);
      return 'latentgpu.json, latentgpu.html';
    },
    async torch() {
      const known = await output(python, ['-c', 'import torch']).catch(() => undefined);
      if (known === undefined) return `left out, because ${python} cannot import torch`;
      await output(python, [
        reference('steps.py'),
        '--seconds',
        `${time}`,
        '--out',
        at('torch.json'),
      ]);
      return 'torch.json';
    },
    async table() {
      const report = await makeTable(at('latentgpu.json'), at('torch.json'));
      const name = `${pageName(report)}.md`;
      await writeFile(at(name), gpuPage(report));
      return name;
    },
    async train() {
      const folder = await mkdtemp(join(tmpdir(), 'latentgpu-'));
      try {
        const model = join(folder, 'vae');
        const args = ['--data', 'digits', '--seed', '1', '--out', model, '--json'];
        await writeFile(at('train.json'), await own('cli.js', 'train', 'vae', ...args));
        await copyFile(join(model, 'samples.png'), at('samples.png'));
      } finally {
        await rm(folder, { recursive: true });
      }
      return 'train.json, samples.png';
    },
    async tests() {
      const done = own('gpu-tests.js').catch((error) => {
        if (error.output) return error.output as string;
        throw error;
      });
      const text = await done;
      await writeFile(at('tests.json'), text);
      const { passed, failed } = JSON.parse(text) as { passed: number; failed: unknown[] };
      if (failed.length > 0)
        throw new Error(`${passed} passed, ${failed.length} failed: tests.json`);
      return `${passed} passed: tests.json`;
    },
  };
}

async function run(flags: RunFlags): Promise<void> {
  await mkdir(flags.out, { recursive: true });
  const todo = stagesOf({ ...flags, out: resolve(flags.out) });
  for (const stage of flags.only ?? STAGES) {
    const begin = Date.now();
    const result = await todo[stage]().then(
      (text) => text,
      (error: Error) => {
        process.exitCode = 1;
        return `FAILED: ${error.message}`;
      },
    );
    say(`${stage}: ${result} (${((Date.now() - begin) / 1000).toFixed(0)} s)`);
  }
}

const program = new Command('bench:gpu').description('What is to be known of a GPU, in one go.');
program
  .command('run')
  .description('Benchmark, PyTorch beside it, the table of both, a training run, the tests.')
  .option('--out <dir>', 'folder for what it finds', 'gpu-results')
  .option('--seconds <n>', 'to measure for, on each side', seconds, 40)
  .option('--python <path>', 'a Python that may have torch', 'python3')
  .option('--only <stages>', `of ${STAGES.join(',')}`, stages)
  .addHelpText('after', '\nExample: node dist/gpu.js run --out gpu-results --only doctor,bench')
  .action(run);
program
  .command('table')
  .description("Joins the benchmark's JSON and PyTorch's to a page of Markdown.")
  .argument('<latentgpu.json>', 'what `latentgpu bench --out` wrote')
  .argument('[torch.json]', 'what bench/reference/steps.py --out wrote')
  .option('--out <file.md>', 'file to write; default: standard output')
  .addHelpText('after', '\nExample: node dist/gpu.js table latentgpu.json torch.json --out gpu.md')
  .action(async (bench: string, torch: string | undefined, { out }: { out?: string }) => {
    const page = gpuPage(await makeTable(bench, torch));
    if (out) await writeFileAtomic(out, new TextEncoder().encode(page));
    else process.stdout.write(page);
  });
try {
  await program.parseAsync();
} catch (error) {
  say(`bench:gpu: ${(error as Error).message}`);
  process.exitCode = 1;
}
