/** What only Node.js has: finding a WebGPU on the disk, and letting the process end. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { programEnvironment } from '../src/device/drivers.node.ts';
import { findBrowser, findSoftwareVulkan, loaderBeside } from '../src/device/find.ts';
import { findDeno, findFirefox } from '../src/device/find-engines.ts';
import { doctorReport } from '../src/device/index.ts';
import { lastWords } from '../src/device/install.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

test.each([
  [
    [
      '  puppeteer install firefox --platform mac  Install the latest Mac build of the Firefox browser.',
      '',
      'Error: All providers failed for chrome 148.0.7778.97:',
      '  - DefaultProvider: getaddrinfo ENOTFOUND example.org',
      '    at installWithProviders (/p/node_modules/@puppeteer/browsers/lib/cjs/install.js:119:11)',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)',
      '    at async /p/node_modules/@puppeteer/browsers/lib/cjs/CLI.js:228:17',
      '',
    ],
    'Error: All providers failed for chrome 148.0.7778.97: - DefaultProvider: getaddrinfo ENOTFOUND example.org',
  ],
  [
    ['Reading package lists...', 'Building tree...', '', 'E: Unable to locate package x'],
    'Reading package lists... Building tree... E: Unable to locate package x',
  ],
  [['spawnSync apt-get ENOENT', 'once'], 'spawnSync apt-get ENOENT once'],
])('an installation that fails is told by its error, not by its stack: %#', (lines, words) => {
  expect(lastWords(lines.join('\n'))).toBe(words);
});

describe('finding', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'latentgpu-find-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  afterEach(() => vi.unstubAllEnvs());

  const put = (path: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '');
    chmodSync(join(folder, path), 0o755);
    return join(folder, path);
  };

  test('PUPPETEER_EXECUTABLE_PATH comes first', () => {
    const executable = put('mine/chrome');
    const icd = put('mine/vk_swiftshader_icd.json');
    vi.stubEnv('PUPPETEER_EXECUTABLE_PATH', executable);
    expect(findBrowser().found).toEqual({ executable, source: 'PUPPETEER_EXECUTABLE_PATH' });
    expect(findSoftwareVulkan().found).toEqual({ icd, loader: null });
    const loader = put('mine/libvulkan.so.1');
    expect(findSoftwareVulkan().found).toEqual({ icd, loader });
    expect(loaderBeside(`/nowhere/x.json:${icd}`)).toBe(loader);
    expect(loaderBeside('/nowhere/x.json')).toBe(null);
  });

  test("then Puppeteer's cache, newest version first", () => {
    vi.stubEnv('PUPPETEER_EXECUTABLE_PATH', undefined);
    vi.stubEnv('PUPPETEER_CACHE_DIR', join(folder, 'cache'));
    const builds = ['linux-99.0.1', 'linux-142.0.7'].map((version) => ({
      executable: put(`cache/chrome/${version}/chrome-linux64/chrome`),
      icd: put(`cache/chrome/${version}/chrome-linux64/vk_swiftshader_icd.json`),
    }));
    put('cache/chrome-headless-shell/linux-150.0.0/chrome-headless-shell');
    const newest = builds[1];
    expect(findBrowser().found?.executable).toBe(newest?.executable);
    expect(findSoftwareVulkan().found?.icd).toBe(newest?.icd);
  });

  test('Firefox and Deno are those that are named', () => {
    vi.stubEnv('LATENTGPU_FIREFOX', '/no/such/firefox');
    vi.stubEnv('PATH', '/no/such/path');
    expect(findFirefox().looked).toEqual(
      expect.arrayContaining(['LATENTGPU_FIREFOX=/no/such/firefox', '/no/such/path']),
    );
    const mine = put('mine/engine');
    vi.stubEnv('LATENTGPU_FIREFOX', mine);
    vi.stubEnv('LATENTGPU_DENO', mine);
    expect(findFirefox().found).toEqual({ executable: mine, source: 'LATENTGPU_FIREFOX' });
    expect(findDeno().found).toEqual({ executable: mine, source: 'LATENTGPU_DENO' });
  });

  test('in Deno, Deno is the one that runs', () => {
    const running = (execPath: string) => {
      const versions = { ...process.versions, deno: '2.9.6' };
      const own = { versions: { value: versions }, execPath: { value: execPath } };
      vi.stubGlobal('process', Object.create(process, own));
      const { found } = findDeno();
      vi.unstubAllGlobals();
      return found?.executable;
    };
    const [mine, compiled] = [join(tmpdir(), 'deno'), join(tmpdir(), 'program')];
    expect(running(mine)).toBe(mine);
    expect(running(compiled)).not.toBe(compiled);
  });

  test("what is named for Firefox's cache is found there", () => {
    vi.stubEnv('LATENTGPU_FIREFOX', undefined);
    vi.stubEnv('PUPPETEER_CACHE_DIR', join(folder, 'cache'));
    const newest = put('cache/firefox/linux-stable_153.0/firefox/firefox');
    put('cache/firefox/linux-stable_99.0/firefox/firefox');
    expect(findFirefox().found).toEqual({ executable: newest, source: "Puppeteer's cache" });
  });

  test('a program is started with the drivers that this process would take', () => {
    vi.stubEnv('VK_DRIVER_FILES', undefined);
    vi.stubEnv('VK_ICD_FILENAMES', undefined);
    vi.stubEnv('LATENTGPU_ADAPTER', 'software');
    vi.stubEnv('LD_LIBRARY_PATH', '/mine');
    const icd = put('mine/vk_swiftshader_icd.json');
    put('mine/libvulkan.so.1');
    vi.stubEnv('PUPPETEER_EXECUTABLE_PATH', put('mine/chrome'));
    const found = { VK_DRIVER_FILES: icd, LD_LIBRARY_PATH: `${dirname(icd)}:/mine` };
    expect(programEnvironment()).toMatchObject({ ...found, NODEVICE_SELECT: '1' });
    // Whoever chooses among GPUs by Mesa's layer keeps it.
    vi.stubEnv('DRI_PRIME', '1');
    vi.stubEnv('NODEVICE_SELECT', undefined);
    expect(programEnvironment().NODEVICE_SELECT).toBe(undefined);
    vi.stubEnv('VK_DRIVER_FILES', '/no/such/icd.json');
    expect(programEnvironment).toThrow(/no such file/);
    const other = put('other/icd.json');
    vi.stubEnv('VK_DRIVER_FILES', other);
    expect(programEnvironment()).toMatchObject({
      VK_DRIVER_FILES: other,
      LD_LIBRARY_PATH: '/mine',
    });
  });

  test('says where it looked', () => {
    vi.stubEnv('PUPPETEER_EXECUTABLE_PATH', '/no/such/chrome');
    vi.stubEnv('PUPPETEER_CACHE_DIR', '/no/such/cache');
    expect(findBrowser().looked).toEqual(
      expect.arrayContaining([
        'PUPPETEER_EXECUTABLE_PATH=/no/such/chrome',
        join('/no/such/cache', 'chrome'),
      ]),
    );
    expect(findSoftwareVulkan().looked).toContain('/no/such');
  });
});

test('the doctor describes this machine', async () => {
  const report = await doctorReport();
  expect(report).toMatchObject({ ok: true, host: 'node', problem: null });
  expect(report.adapters.length).toBeGreaterThan(0);
  expect(report.deviceLimits.maxStorageBuffersPerShaderStage).toBe(8);
  expect(report.looked.length).toBeGreaterThan(0);
  expect(report.engines.map(({ name }) => name)).toEqual(['Dawn', 'Chrome', 'Firefox', 'Deno']);
  for (const { name, found, advice } of report.engines) {
    expect(found, name).toMatch(/\d+\.\d+/);
    expect(advice, name).toBe(null);
  }
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
});

describe('a program of its own', () => {
  let folder: string;

  beforeAll(async () => {
    // Inside node_modules, from where the program finds the package `webgpu`.
    folder = mkdtempSync(join(root, 'node_modules', '.latentgpu-'));
    await build({
      configFile: false,
      logLevel: 'warn',
      root,
      ssr: { noExternal: true, external: ['webgpu'] },
      build: {
        ssr: 'src/device/index.ts',
        outDir: folder,
        rolldownOptions: { output: { entryFileNames: 'device.mjs', codeSplitting: false } },
      },
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs a script with nothing in its environment that could help it find a driver. */
  function run(
    script: string,
    env: Record<string, string> = {},
    engine: readonly string[] = [process.execPath],
  ): SpawnSyncReturns<string> {
    const file = join(folder, 'program.mjs');
    writeFileSync(file, `import { openDevice } from './device.mjs';\n${script}`);
    const { PATH, HOME, PUPPETEER_EXECUTABLE_PATH } = process.env;
    const inherited = { PATH, HOME, PUPPETEER_EXECUTABLE_PATH };
    const [executable, ...args] = engine as [string, ...string[]];
    return spawnSync(executable, [...args, file], {
      env: { ...inherited, ...env } as NodeJS.ProcessEnv,
      encoding: 'utf8',
      timeout: 30_000,
    });
  }

  const use = `
    const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer('x', 16, usage);
    device.write(buffer, 0, new Uint32Array([7]));
    console.log(new Uint32Array(await device.read(buffer, 0, 4))[0]);
  `;

  test('opens a device without help, says nothing of its own accord, and ends', () => {
    const result = run(`const device = await openDevice(); ${use} device.destroy();`);
    expect(result).toMatchObject({ status: 0, signal: null, stdout: '7\n', stderr: '' });
  });

  test('opens two devices, one after the other and at once', () => {
    const result = run(`
      for (const device of [await openDevice(), await openDevice()]) { ${use} device.destroy(); }
      for (const device of await Promise.all([openDevice(), openDevice()])) {
        ${use} device.destroy();
      }
    `);
    expect(result).toMatchObject({ status: 0, stdout: '7\n7\n7\n7\n', stderr: '' });
  });

  test('opens a device where a program has a copy of the process, and errors of another realm, as in Jest', () => {
    const built = readFileSync(join(folder, 'device.mjs'), 'utf8');
    writeFileSync(join(folder, 'copied.mjs'), `const process = globalThis.copied;\n${built}`);
    const result = run(`
      import { runInNewContext } from 'node:vm';
      function dlopen(...args) {
        try { process.dlopen(...args); }
        catch ({ message }) { throw runInNewContext('new Error(message)', { message }); }
      }
      globalThis.copied = Object.assign(Object.create(process), { env: { ...process.env }, dlopen });
      const device = await (await import('./copied.mjs')).openDevice(); ${use}
      device.destroy();
    `);
    expect(result).toMatchObject({ status: 0, stdout: '7\n', stderr: '' });
  });

  test('ends after a loss too, and when nobody destroys the device', () => {
    expect(run(`const device = await openDevice(); ${use} device.lose();`)).toMatchObject({
      status: 0,
      stdout: '7\n',
      stderr: '',
    });
    expect(run(`const device = await openDevice(); ${use}`)).toMatchObject({
      status: 0,
      stdout: '7\n',
      stderr: '',
    });
  });

  describe('in Deno', () => {
    // Needed by versions before 2.9 only.
    const flags = ['run', '--allow-all', '--unstable-webgpu'];
    const deno = () => [findDeno().found?.executable as string, ...flags];
    const report = `console.log(device.adapter.host, device.adapter.isSoftware);`;

    test('opens devices without help, says nothing of its own accord, and ends', () => {
      const result = run(
        `
        for (const device of [await openDevice(), await openDevice()]) { ${use} device.destroy(); }
        const device = await openDevice(); ${use} device.lose();
      `,
        { NO_COLOR: '1' },
        deno(),
      );
      expect(result).toMatchObject({ status: 0, signal: null, stdout: '7\n7\n7\n', stderr: '' });
    });

    test('takes the adapter that it is told to', () => {
      const script = `const device = await openDevice(); ${report}`;
      const told = { LATENTGPU_ADAPTER: 'software', NO_COLOR: '1' };
      expect(run(script, told, deno())).toMatchObject({
        status: 0,
        stdout: 'deno true\n',
        stderr: '',
      });
      const VK_DRIVER_FILES = findSoftwareVulkan().found?.icd as string;
      const named = `const device = await openDevice(); console.log(device.adapter.source);`;
      expect(run(named, { VK_DRIVER_FILES }, deno())).toMatchObject({
        status: 0,
        stdout: `VK_DRIVER_FILES=${VK_DRIVER_FILES}\n`,
      });
    });

    test('says how to get WebGPU where there is none', () => {
      const script = `
        Object.defineProperty(navigator, 'gpu', { value: undefined });
        await openDevice().catch(({ code, message }) => console.log(code, message));
      `;
      expect(run(script, {}, deno()).stdout).toMatch(/^no-adapter .*--unstable-webgpu/);
    });
  });

  test('takes the software adapter when told to', () => {
    const script = `const device = await openDevice(); console.log(device.adapter.isSoftware);
      device.destroy();`;
    expect(run(script, { LATENTGPU_ADAPTER: 'software' })).toMatchObject({
      status: 0,
      stdout: 'true\n',
      stderr: '',
    });
    const bad = run(script, { LATENTGPU_ADAPTER: 'fast' });
    expect(bad.status).toBe(1);
    expect(bad.stderr).toMatch(/LATENTGPU_ADAPTER is "fast"; it may be/);
  });

  test('takes the driver that VK_DRIVER_FILES names', () => {
    const icd = findSoftwareVulkan().found?.icd as string;
    const result = run(
      `const device = await openDevice(); console.log(device.adapter.source); device.destroy();`,
      { VK_DRIVER_FILES: icd },
    );
    expect(result).toMatchObject({ status: 0, stdout: `VK_DRIVER_FILES=${icd}\n` });
  });

  test('names the ways out when there is no adapter, and the package when it is absent', () => {
    const script = `
      try { await openDevice({ requireHardware: true }); console.log('hardware'); process.exit(); }
      catch (error) { console.log(error.code, error.message); }
    `;
    const result = run(script);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toMatch(/^hardware|^no-adapter .*VK_DRIVER_FILES.*latentgpu doctor/);

    const elsewhere = mkdtempSync(join(tmpdir(), 'latentgpu-bare-'));
    const copy = spawnSync('cp', ['-r', `${folder}/.`, elsewhere]);
    expect(copy.status).toBe(0);
    const bare = spawnSync(process.execPath, [join(elsewhere, 'program.mjs')], {
      cwd: elsewhere,
      encoding: 'utf8',
    });
    rmSync(elsewhere, { recursive: true });
    expect(bare.stdout).toMatch(/^no-adapter .*npm install webgpu/);
  });

  /** A doctor in a folder without packages, called through the link that is on the PATH. */
  function installed(prefix: string): (cwd: string) => SpawnSyncReturns<string> {
    const own = join(prefix, 'lib/node_modules/latentgpu');
    mkdirSync(own, { recursive: true });
    mkdirSync(join(prefix, 'bin'));
    expect(spawnSync('cp', ['-r', `${folder}/.`, own]).status).toBe(0);
    const script = join(own, 'doctor.mjs');
    const text = "import { doctorReport } from './device.mjs';";
    writeFileSync(script, `${text} console.log(JSON.stringify(await doctorReport()));`);
    const link = join(prefix, 'bin/doctor');
    symlinkSync(script, link);
    const { PATH, HOME, PUPPETEER_EXECUTABLE_PATH } = process.env;
    const env = { PATH, HOME, PUPPETEER_EXECUTABLE_PATH } as NodeJS.ProcessEnv;
    return (cwd) => spawnSync(process.execPath, [link], { cwd, env, encoding: 'utf8' });
  }

  test('the doctor, too, names the package where that is what is missing', () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'latentgpu-bare-'));
    try {
      const report = JSON.parse(installed(elsewhere)(elsewhere).stdout);
      expect(report).toMatchObject({ ok: false, advice: ['npm install webgpu'] });
      expect(report.engines[0]).toMatchObject({ name: 'Dawn', found: null });
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  test('packages are found beside a program that is installed for everybody, and in the project', () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'latentgpu-global-'));
    try {
      const doctor = installed(elsewhere);
      const found = (cwd: string) => {
        const { stdout, stderr } = doctor(cwd);
        expect(stderr).toBe('');
        const { ok, engines } = JSON.parse(stdout);
        expect(ok).toBe(true);
        return engines[0].found;
      };
      expect(found(root)).toMatch(/the npm package `webgpu` \d/);
      const beside = join(elsewhere, 'lib/node_modules/webgpu');
      symlinkSync(join(root, 'node_modules/webgpu'), beside);
      expect(found(elsewhere)).toMatch(/the npm package `webgpu` \d/);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });
});
