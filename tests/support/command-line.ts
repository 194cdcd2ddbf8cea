/** The command line in a folder of its own: what works, what it says, what it leaves. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import type { Run } from './cli.ts';
import { perform } from './perform.ts';

export class CommandLine {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(name: string): Promise<CommandLine> {
    return new CommandLine(await mkdtemp(join(tmpdir(), `latentgpu-${name}-`)));
  }

  here(path: string): string {
    return join(this.folder, path);
  }

  run(line: string): Promise<Run> {
    return perform(line.split(' ').filter(Boolean), this.folder);
  }

  async works(line: string): Promise<Run> {
    const run = await this.run(line);
    expect(run.code, `${line}\n${run.stderr}`).toBe(0);
    return run;
  }

  // biome-ignore lint/suspicious/noExplicitAny: what a command says is for each test to know.
  async json(line: string): Promise<any> {
    return JSON.parse((await this.works(`${line} --json`)).stdout);
  }

  /** Each line is a user's mistake, and is told so in a line that has these words. */
  async refuses(lines: Readonly<Record<string, string>>): Promise<void> {
    const runs = await Promise.all(Object.keys(lines).map((line) => this.run(line)));
    for (const [i, [line, words]] of Object.entries(lines).entries()) {
      expect(runs[i], line).toMatchObject({ code: 2, stdout: '' });
      expect(runs[i]?.stderr, line).toContain(words);
      expect(runs[i]?.stderr.trim().split('\n').length, line).toBe(1);
    }
  }

  async weightsOf(path: string) {
    const bytes = await readFile(this.here(`${path}/weights.safetensors`));
    return readSafetensors(new Uint8Array(bytes)).tensors;
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
