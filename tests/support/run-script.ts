import { spawnSync } from 'node:child_process';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a script of Node.js as a person would: without what this test run put into the environment. */
export function run(
  cwd: string,
  script: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Ended {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|FORCE_COLOR)/.test(name)),
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd,
    env: { ...env, NO_COLOR: '1', COLUMNS: '100', ...more },
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { code: status, stdout, stderr };
}
