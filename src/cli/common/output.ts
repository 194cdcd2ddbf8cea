// What a command says, and where: results on standard output, everything else on standard error.
import { type Bar, openBar } from './progress.ts';

export interface OutputOptions {
  /** One JSON object on standard output. */
  readonly json?: boolean;
  /** Only results and errors. */
  readonly quiet?: boolean;
}

export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  private bar: Bar | undefined;

  constructor({ json = false, quiet = false }: OutputOptions) {
    this.json = json;
    this.quiet = quiet;
  }

  /** A line about the work under way. */
  say(line: string): void {
    if (this.quiet) return;
    const stream = this.json ? process.stderr : process.stdout;
    // A bar gives way to a line in the same terminal; a log file gets the line itself.
    if (this.bar?.isShown && stream.isTTY) this.bar.log(line);
    else stream.write(`${line}\n`);
  }

  /** A remark, a warning, where to continue: shown even if quiet. */
  remark(line: string): void {
    if (this.bar?.isShown) this.bar.log(`latentgpu: ${line}`);
    else process.stderr.write(`latentgpu: ${line}\n`);
  }

  /** The result: as an object for programs, or as text for people. */
  result(object: unknown, text: string): void {
    process.stdout.write(this.json ? `${JSON.stringify(object)}\n` : text && `${text}\n`);
  }

  /** Shows a bar while `work` runs: in a terminal only. */
  async progress<T>(label: string, work: (bar: Bar) => Promise<T>): Promise<T> {
    const bar = openBar(label, this.quiet);
    this.bar = bar;
    try {
      return await work(bar);
    } finally {
      bar.stop();
      this.bar = undefined;
    }
  }
}
