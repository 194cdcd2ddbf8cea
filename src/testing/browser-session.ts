// The script in a page of a browser.
import type { Browser } from 'puppeteer';
import { type Answer, EXPOSED } from './expose.ts';
import type { Session, Site, Start } from './remote.ts';

/** What browsers log once more: a compiler's words are asked for, and a lost device is told of. */
const TOLD_OTHERWISE = [
  /^Parent device is lost$/,
  /Compilation log for \[/,
  /^Encountered one or more errors while creating shader/,
  /^WebGPU compilation info for shader module/,
  /^\s*Shader (?:'.*' parsing|validation) error: /,
];

/** How long a page may take to load its scripts. */
const LOAD_MILLISECONDS = 30_000;

async function openPage(browser: Browser, { url, complain, log }: Site): Promise<Session['ask']> {
  const page = await browser.newPage();
  page.on('pageerror', (error) => {
    complain(error instanceof Error ? (error.stack ?? error.message) : `${error}`);
  });
  page.on('console', (message) => {
    if (TOLD_OTHERWISE.some((known) => known.test(message.text()))) return;
    if (message.type() === 'error') complain(message.text());
    else log(`[page ${message.type()}] ${message.text()}`);
  });
  page.on('error', (error) => complain(`the page crashed: ${error.message}`));
  await page.goto(url);
  await page.waitForFunction(`globalThis.${EXPOSED} !== undefined`, { timeout: LOAD_MILLISECONDS });
  // As text: functions are rewritten by whatever builds or runs this file.
  return (name, args) => {
    const list = [name, ...args].map((arg) => JSON.stringify(arg)).join();
    return page.evaluate(`globalThis.${EXPOSED}(${list})`) as Promise<Answer>;
  };
}

/** Runs scripts in a browser that `launch` starts. */
export function inBrowser(launch: () => Promise<Browser>): Start {
  return async (site) => {
    const browser = await launch();
    try {
      return {
        ask: await openPage(browser, site),
        version: () => browser.version(),
        kill: () => void browser.process()?.kill('SIGKILL'),
        close: () => browser.close(),
      };
    } catch (error) {
      await browser.close();
      throw error;
    }
  };
}
