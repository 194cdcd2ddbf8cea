// What drives browsers, which whoever tests in one installs.
import type { Browser, LaunchOptions } from 'puppeteer';
import type { Program } from '../device/find-paths.ts';
import { fromPackage } from '../device/packages.node.ts';
import { LatentGpuError } from '../errors.ts';

async function importPuppeteer(): Promise<typeof import('puppeteer').default> {
  try {
    const { default: puppeteer } = await import('puppeteer').catch((cause: unknown) => {
      const found = fromPackage<typeof import('puppeteer')>((require) => require('puppeteer'));
      if (found) return found;
      throw cause;
    });
    return puppeteer;
  } catch (cause) {
    throw new LatentGpuError(
      'no-adapter',
      'Browsers are driven by the package `puppeteer`, which is not installed. ' +
        'Type `npm install --save-dev puppeteer`, or leave browsers out and run on Dawn alone.',
      { cause },
    );
  }
}

/**
 * Starts a browser without a window.
 *
 * @param variable the environment variable in which another can be named
 * @throws LatentGpuError `no-adapter` if it does not start, or nothing drives it, with the ways out
 */
export async function launch(
  program: Program,
  variable: string,
  options: LaunchOptions,
): Promise<Browser> {
  const puppeteer = await importPuppeteer();
  const { executable, source } = program;
  try {
    return await puppeteer.launch({
      ...options,
      executablePath: executable,
      headless: true,
      // Whoever asks a page to do something says how long it may take.
      protocolTimeout: 0,
    });
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new LatentGpuError(
      'no-adapter',
      `${executable} (${source}) does not start: ${said.trim().split('\n')[0]} ` +
        `Name another in ${variable}.`,
      { cause },
    );
  }
}
