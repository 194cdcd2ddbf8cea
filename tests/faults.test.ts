// What happens to a command while it runs: killed, stopped, unheard, refused, out of space.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { failureOf } from '../src/cli/common/failure.ts';
import { writeNpy } from '../src/formats/npy.ts';
import { homeFolder } from '../src/home.node.ts';
import { unpackParameters } from '../src/models/index.ts';
import { mean } from '../src/ops/index.ts';
import { minimize, sgd } from '../src/optim/index.ts';
import { readModelFolder } from '../src/training/model-folder.node.ts';
import { RunFolder } from '../src/training/run-folder.node.ts';
import { BUILT, buildCli, type Run, start } from './support/cli.ts';
import { contentsOf } from './support/folders.ts';
import { bundle, launch, watch } from './support/program.ts';

vi.setConfig({ testTimeout: 300_000 });

/** Kills of training processes in the default run; `LATENTGPU_FUZZ=5` makes it five times as many. */
const KILLS = 8 * Number(process.env.LATENTGPU_FUZZ ?? 1);

const SMALL = '--batch 10 --set encoder.hidden=64 decoder.hidden=64 latent=2';
const TRAIN = `train vae --data rows.npy ${SMALL}`;
const ENDLESS = `${TRAIN} checkpointEvery=1 --epochs 900000`;

let folder = '';
const here = (path: string) => join(folder, path);
const begin = (line: string) => start(line.split(' '), folder);
const cli = (line: string): Promise<Run> => begin(line).run;

async function works(line: string): Promise<Run> {
  const run = await cli(line);
  expect(run.code, `${line}\n${run.stderr}`).toBe(0);
  return run;
}

/** Begins a command and waits until its output has that. */
async function until(line: string, text: string) {
  const { child, run } = begin(line);
  let said = '';
  await Promise.race([
    new Promise<void>((seen) => {
      child.stdout?.on('data', (bytes) => {
        said += bytes;
        if (said.includes(text)) seen();
      });
    }),
    run.then(({ stderr }) => expect(said, stderr).toContain(text)),
  ]);
  return { child, run };
}

beforeAll(async () => {
  await buildCli();
  folder = mkdtempSync(join(tmpdir(), 'latentgpu-faults-'));
  const rows = Float32Array.from({ length: 40 * 24 }, (_, i) => ((i * 7919) % 101) / 101);
  writeFileSync(here('rows.npy'), writeNpy(rows, [40, 6, 4]));
  await works(`${TRAIN} --steps 5 --out model`);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

test('a second process on the same folder is refused, until the first is killed', async () => {
  const { child, run } = await until(`${ENDLESS} --out shared`, 'epoch 1/');
  const lines = [
    `${TRAIN} --out shared`,
    `${TRAIN} --out shared --force`,
    'train vae --resume --out shared',
    'import model/weights.safetensors --shape 6,4 --out shared --force',
  ];
  for (const line of lines) {
    const { code, stdout, stderr } = await cli(line);
    expect(stderr).toMatch(
      /^latentgpu: shared is being written by process \d+ since \S+Z; [^\n]+\n$/,
    );
    expect(stderr).toContain(`process ${child.pid} since`);
    expect([code, stdout]).toEqual([2, '']);
  }
  // To read takes nothing.
  await works('sample shared --count 2 --out shared.npy');
  child.kill('SIGKILL');
  expect((await run).code).toBeNull();
  expect(readdirSync(here('shared'))).toContain('.lock');
  await works(`${TRAIN} --steps 1 --out shared --force`);
  expect(readdirSync(here('shared'))).not.toContain('.lock');
});

/** Whether the folder's model is the one that its run stands at. */
async function checkWhole(path: string): Promise<number> {
  const { state } = await new RunFolder(path).readCheckpoint();
  const parameters = state.tensors.get('parameters') as Float32Array;
  const loaded = await readModelFolder(path).catch((error: Error) => {
    expect(error.message).toContain('holds no model.json');
    expect(state.step).toBe(0);
  });
  if (!loaded) return state.step;
  // Lays the parameters out as training does.
  const { model } = loaded;
  minimize(mean(model.parameters()[0] as never), model.parameters(), { optimizer: sgd() });
  for (const [variable, kept] of unpackParameters(model, parameters)) {
    const values = loaded.weights.get(variable) as Float32Array;
    expect(values.length).toBe(kept.length);
    expect(values.every((value, i) => value === kept[i])).toBe(true);
  }
  return state.step;
}

test(`a run that is killed ${KILLS} times ends as one that is not, bit for bit`, async () => {
  const steps = 60 * KILLS;
  await works(`${TRAIN} --steps ${steps} --out whole`);
  const reached: number[] = [];
  for (let i = 0; i < KILLS; i++) {
    const line =
      i === 0 ? `${TRAIN} checkpointEvery=1 --out killed` : 'train vae --resume --out killed';
    // The line after which it writes; it may have been killed before it wrote anything at all.
    const { child, run } = await until(`${line} --steps ${steps}`, 'writing to killed');
    await pause(Math.random() * 150);
    child.kill('SIGKILL');
    expect((await run).code).toBeNull();
    reached.push(await checkWhole(here('killed')));
  }
  console.log(`killed at steps ${reached.join(', ')} of ${steps}`);
  expect(reached).toEqual([...reached].sort((a, b) => a - b));
  await works(`train vae --resume --steps ${steps} --out killed --set checkpointEvery=0`);
  const names = readdirSync(here('whole')).filter((name) => !/json/.test(name));
  for (const name of names) {
    expect(
      readFileSync(here(`killed/${name}`)).equals(readFileSync(here(`whole/${name}`))),
      name,
    ).toBe(true);
  }
  expect(readdirSync(here('killed'))).toEqual(readdirSync(here('whole')));
});

describe('a full disk', () => {
  test('leaves the old, and nothing beside it: a limit on the size of files', async () => {
    const writer = await bundle('writer');
    try {
      const run = here('limited');
      const first = launch(writer, ['save', run, 'a']);
      await first.said('ready');
      await vi.waitUntil(() => readdirSync(run).includes('model.json'), { timeout: 20_000 });
      first.child.kill('SIGKILL');
      await first.ended;
      // Once more, so that what the killed one had begun is settled.
      const limited = (blocks: number) =>
        spawnSync(
          'sh',
          [
            '-c',
            `ulimit -f ${blocks}; exec "$0" "$@"`,
            process.execPath,
            writer,
            'save',
            run,
            'on',
          ],
          {
            encoding: 'utf8',
          },
        );
      expect(limited(8).stderr).toContain('EFBIG');
      const before = contentsOf(run);
      const { status, stderr } = limited(8);
      expect(status).toBe(1);
      expect(stderr).toMatch(/cannot write \S*limited\/checkpoint\.safetensors: EFBIG/);
      const changed = { 'metrics.jsonl': '' };
      expect({ ...contentsOf(run), ...changed }).toEqual({ ...before, ...changed });
    } finally {
      rmSync(dirname(writer), { recursive: true });
    }
  });

  /** Leaves so many bytes of a file system. */
  function fill(small: string, left: number): void {
    const { bavail, bsize } = statfsSync(small);
    writeFileSync(join(small, 'fill'), new Uint8Array(Math.max(0, bavail * bsize - left)));
  }

  test('ends a command with 1 and one line: a small file system', async ({ skip }) => {
    const small = mkdtempSync(join(tmpdir(), 'latentgpu-small-'));
    const mount = ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', small];
    if (spawnSync('mount', mount).status !== 0) {
      rmSync(small, { recursive: true });
      skip('no small file system can be mounted here: that takes root on Linux');
    }
    try {
      await works(`${TRAIN} --steps 3 --out ${small}/run`);
      const before = contentsOf(`${small}/run`);
      for (const left of [0, 60_000]) {
        fill(small, left);
        const resumed = await cli(`train vae --resume --steps 9 --out ${small}/run`);
        expect(resumed.stderr).toMatch(
          /^latentgpu: cannot write [^\n]+ENOSPC[^\n]+free some space[^\n]+\n$/,
        );
        expect(resumed.code).toBe(1);
        const { 'metrics.jsonl': _, 'training.json': __, ...after } = contentsOf(`${small}/run`);
        expect(before).toMatchObject(after);
        expect(Object.keys(after).length).toBe(Object.keys(before).length - 2);
        rmSync(join(small, 'fill'));
      }
      writeFileSync(join(small, 'kept.npy'), 'old');
      const commands = [
        `sample model --count 200 --out ${small}/new.npy`,
        `sample model --count 200 --out ${small}/kept.npy`,
        `encode model --data rows.npy --split train --std --out ${small}/${'e'.repeat(99)}.npy`,
      ];
      fill(small, 0);
      for (const line of commands) {
        const { code, stdout, stderr } = await cli(line);
        expect(stderr).toMatch(/^latentgpu: cannot write [^\n]+ENOSPC[^\n]+\n$/);
        expect([code, stdout]).toEqual([1, '']);
      }
      expect(readdirSync(small).sort()).toEqual(['fill', 'kept.npy', 'run']);
      expect(readFileSync(join(small, 'kept.npy'), 'utf8')).toBe('old');
      rmSync(join(small, 'fill'));
      const { stdout } = await works(`train vae --resume --steps 9 --out ${small}/run`);
      expect(stdout).toContain('continuing at step 3 of 9');
      expect(contentsOf(`${small}/run`)).not.toHaveProperty('.lock');
    } finally {
      spawnSync('umount', [small]);
      rmSync(small, { recursive: true });
    }
  });
});

test('a folder that may not be written is refused before any work', async () => {
  mkdirSync(here('closed'));
  cpSync(here('model'), here('closed/model'), { recursive: true });
  for (const path of ['closed', 'closed/model']) chmodSync(here(path), 0o555);
  chmodSync(folder, 0o755);
  const before = contentsOf(here('closed'));
  const lines = [
    `${TRAIN} --out closed/new`,
    `${TRAIN} --out closed/model --force`,
    'train vae --resume --out closed/model --epochs 5',
    'import model/weights.safetensors --shape 6,4 --out closed/new',
    'sample model --out closed/new.npy',
    'export model --to onnx --out closed/new.onnx',
  ];
  // Root may write anywhere; nobody may not.
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  for (const line of lines) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BUILT, ...line.split(' ')], {
      ...user,
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stderr).toMatch(
      /^latentgpu: [^\n]+ there is no permission to write to \S+\/closed[^\n]*\n$/,
    );
    expect([status, stdout]).toEqual([2, '']);
  }
  expect(contentsOf(here('closed'))).toEqual(before);
  for (const path of ['closed', 'closed/model']) chmodSync(here(path), 0o755);
});

test('a user without a home, and more than memory has', () => {
  vi.stubEnv('HOME', '');
  expect(homeFolder()).toBe(join(tmpdir(), `latentgpu-${process.getuid?.() ?? 'user'}`));
  vi.unstubAllEnvs();
  const failure = failureOf(new RangeError('Invalid typed array length: 2000000000000'), 'x');
  expect(failure).toMatchObject({ code: 'out-of-memory', exit: 1 });
  expect(failure.message).toMatch(/^there is no memory for so much [^\n]+; ask for less of it$/);
});

test('a file that is not to be written, a link, a pipe', async () => {
  const place = here('places');
  mkdirSync(place);
  chmodSync(folder, 0o755);
  chmodSync(place, 0o777);
  const at = (name: string) => join(place, name);
  writeFileSync(at('kept.npy'), 'kept');
  chmodSync(at('kept.npy'), 0o444);
  writeFileSync(at('real.npy'), 'old');
  chmodSync(at('real.npy'), 0o666);
  symlinkSync('real.npy', at('link.npy'));
  symlinkSync('link.npy', at('further.npy'));
  symlinkSync('nowhere.npy', at('broken.npy'));
  symlinkSync('nowhere/f.npy', at('lost.npy'));
  spawnSync('mkfifo', [at('pipe.npy')]);
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const sample = (name: string) =>
    spawnSync(
      process.execPath,
      [BUILT, ...`sample model --count 2 --quiet --out places/${name}`.split(' ')],
      { ...user, cwd: folder, encoding: 'utf8' },
    );
  for (const [name, why] of [
    ['kept.npy', 'there is no permission to write to it'],
    ['pipe.npy', 'this is a pipe or a device; name a file'],
    ['lost.npy', `it is a link to ${join('places', 'nowhere/f.npy')}`],
  ] as const) {
    const { status, stderr } = sample(name);
    expect(stderr).toMatch(/^latentgpu: --out [^\n]+\n$/);
    expect(stderr.replace(`${realpathSync(folder)}/`, '')).toContain(why);
    expect(status).toBe(2);
  }
  expect(readFileSync(at('kept.npy'), 'utf8')).toBe('kept');
  for (const [name, target] of [
    ['further.npy', 'real.npy'],
    ['broken.npy', 'nowhere.npy'],
  ] as const) {
    expect(sample(name)).toMatchObject({ status: 0, stderr: '' });
    expect(lstatSync(at(name)).isSymbolicLink()).toBe(true);
    expect(readFileSync(at(target)).length).toBe(128 + 4 * 2 * 24);
  }
  // A folder that may be written to and yet not be looked into.
  chmodSync(place, 0o733);
  expect(sample('new.npy')).toMatchObject({ status: 0, stderr: '' });
});

describe('a request to stop', () => {
  test('a terminal that is closed says so twice, and what was learned is saved', async () => {
    const { child, run } = await until(`${ENDLESS} --out closing`, 'epoch 3/');
    child.kill('SIGHUP');
    child.kill('SIGHUP');
    const { code, stderr } = await run;
    expect([code, stderr]).toEqual([130, expect.stringMatching(/stopped at step \d+ .*, saved;/)]);
    expect(await checkWhole(here('closing'))).toBe(Number(/at step (\d+)/.exec(stderr)?.[1]));
  });

  test('SIGTERM saves and exits 130, and another one ends at once', async () => {
    const { child, run } = await until(`${ENDLESS} --out stopped`, 'epoch 3/');
    child.kill('SIGTERM');
    const { code, stderr } = await run;
    expect(code).toBe(130);
    expect(stderr).toMatch(/stopped at step \d+ \(epoch [\d.]+\), saved; continue with: [^\n]+\n$/);
    const step = Number(/at step (\d+)/.exec(stderr)?.[1]);
    expect(await checkWhole(here('stopped'))).toBe(step);
    const again = await until('train vae --resume --out stopped', 'epoch');
    again.child.kill('SIGINT');
    await new Promise((heard) => again.child.stderr?.once('data', heard));
    again.child.kill('SIGINT');
    expect((await again.run).code).toBe(130);
    expect(await checkWhole(here('stopped'))).toBeGreaterThanOrEqual(step);
    expect(readdirSync(here('stopped'))).not.toContain('.lock');
  });

  test.each(['eval model --data rows.npy --split train --samples 100000000', 'bench'])(
    '%s exits 130 with one line',
    async (line) => {
      let result: Run = { code: null, stdout: '', stderr: '' };
      // Before its work begins it is stopped as any process is.
      for (let ms = 2000; result.code === null && ms < 60_000; ms *= 2) {
        const { child, run } = begin(line);
        await pause(ms);
        child.kill('SIGINT');
        result = await run;
      }
      const { code, stderr } = result;
      expect(code).toBe(130);
      expect(stderr).toMatch(
        /latentgpu: stopping; once more to stop at once\nlatentgpu: [^\n]+ was stopped\n$/,
      );
    },
  );

  test('Ctrl-C in a terminal clears the bar, shows the cursor again and saves', async () => {
    const command = `${process.execPath} ${BUILT} ${ENDLESS} --out terminal`;
    const parts =
      process.platform === 'darwin'
        ? ['-q', '/dev/null', ...command.split(' ')]
        : ['-qec', command, '/dev/null'];
    const { child, ended } = watch(spawn('script', parts, { cwd: folder }));
    let said = '';
    await new Promise<void>((seen) => {
      child.stdout?.on('data', (text) => {
        said += text;
        if (said.includes('epoch 3/')) seen();
      });
    });
    child.stdin?.write('\x03');
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/steps\/s/);
    expect(stdout).toMatch(
      /saved; continue with: npx latentgpu train vae --resume --out terminal\r\n$/,
    );
    expect(stdout.lastIndexOf('\x1b[?25h')).toBeGreaterThan(stdout.lastIndexOf('\x1b[?25l'));
    expect(await checkWhole(here('terminal'))).toBeGreaterThan(3);
  });
});

describe('nobody listens', () => {
  const piped = (line: string) =>
    spawnSync(
      'bash',
      ['-c', `${process.execPath} ${BUILT} ${line}; echo "code \${PIPESTATUS[0]}" >&2`],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    );

  test('training whose output is cut off saves and ends', async () => {
    const { stdout, stderr } = piped(`${ENDLESS} --out unheard | head -1`);
    expect(stdout).toMatch(/^vae 6×4 → 2, [^\n]+\n$/);
    expect(stderr).toMatch(
      /^latentgpu: stopping[^\n]+\nlatentgpu: stopped at step [^\n]+\ncode 130\n$/,
    );
    expect(await checkWhole(here('unheard'))).toBeGreaterThan(0);
  });

  test('output that finds no room is said, in a line, and what is written elsewhere is whole', () => {
    const full = (line: string) =>
      spawnSync('bash', ['-c', `${process.execPath} ${BUILT} ${line}`], {
        cwd: folder,
        encoding: 'utf8',
      });
    const why = /^latentgpu: cannot write to standard output: ENOSPC[^\n]+\n$/;
    const inspected = full('inspect model > /dev/full');
    expect([inspected.status, inspected.stderr]).toEqual([1, expect.stringMatching(why)]);
    const sampled = full('sample model --count 2 --out full.npy > /dev/full');
    expect([sampled.status, sampled.stderr]).toEqual([1, expect.stringMatching(why)]);
    expect(readFileSync(here('full.npy')).length).toBe(128 + 4 * 2 * 24);
    expect(full('eval nowhere 2> /dev/full').status).toBe(2);
  });

  test('other output, and messages, may be cut off', () => {
    const inspected = piped('inspect model | head -1');
    expect(inspected.stdout).toMatch(/^vae: [^\n]+\n$/);
    expect(inspected.stderr).toBe('code 0\n');
    expect(piped('eval nowhere 2>&1 | true').stderr).toBe('code 2\n');
  });
});
