/** Every page of the demo for those who see, point or read otherwise: names, headings, magnification, forced colours. */
import type { SerializedAXNode } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PAGES } from '../demo/site/pages.ts';
import { type DemoPage, DemoSite } from './support/demo.ts';

let site: DemoSite;

beforeAll(async () => {
  site = await DemoSite.open();
}, 60_000);
afterAll(() => site?.close(), 30_000);

/** What has to say what it is. */
const NAMED = 'application button checkbox combobox image link progressbar radio slider'.split(' ');

function* nodesOf(node: SerializedAXNode): Generator<SerializedAXNode> {
  yield node;
  for (const child of node.children ?? []) yield* nodesOf(child);
}

async function treeOf({ page }: DemoPage): Promise<SerializedAXNode[]> {
  const root = await page.accessibility.snapshot({ interestingOnly: false });
  return [...nodesOf(root as SerializedAXNode)];
}

const boxOf = ({ page }: DemoPage, selector: string) =>
  page.$eval(selector, (found) => {
    const { left, right, top, bottom } = found.getBoundingClientRect();
    return { left, right, top, bottom };
  });

const backgrounds = ({ page }: DemoPage, selector: string) =>
  page.$$eval(selector, (all) => all.map((each) => getComputedStyle(each).backgroundColor));

describe.each(PAGES)('$file', ({ file }) => {
  let demo: DemoPage;
  beforeAll(async () => {
    demo = await site.visit({ name: file });
  });
  afterAll(() => demo?.page.close());

  test('all that acts has a name, headings are in order, sliders are read out once', async () => {
    const nodes = await treeOf(demo);
    const found = nodes.filter(({ role }) => NAMED.includes(role));
    expect(found.length).toBeGreaterThan(8);
    expect(found.filter(({ name }) => !name?.trim())).toEqual([]);
    const levels = nodes.filter(({ role }) => role === 'heading').map(({ level }) => level ?? 0);
    expect(levels[0]).toBe(1);
    levels.slice(1).forEach((level, i) => {
      expect(level - (levels[i] as number)).toBeLessThanOrEqual(1);
    });
    // A slider says its value itself; one that plays would otherwise be read out with every frame.
    const outputs = await demo.page.$$eval('output', (all) => all.map(({ ariaLive }) => ariaLive));
    expect(outputs.filter((live) => live !== 'off')).toEqual([]);
  });

  test('wide, its bar begins and ends with what is below; magnified, it leaves room', async () => {
    await demo.page.setViewport({ width: 2560, height: 1300 });
    const [brand, buttons] = [await boxOf(demo, '.brand'), await boxOf(demo, '.transport')];
    const cards = await demo.page.$$eval('main .card', (all) =>
      all.map((card) => card.getBoundingClientRect()).map(({ left, right }) => [left, right]),
    );
    const shown = cards.filter(([left, right]) => left !== right) as [number, number][];
    expect(brand.left).toBeCloseTo(Math.min(...shown.map(([left]) => left)), 0);
    expect(buttons.right).toBeCloseTo(Math.max(...shown.map(([, right]) => right)), 0);
    // 1280 × 900 at 400 %.
    await demo.page.setViewport({ width: 320, height: 225 });
    expect(await demo.page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    await demo.page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    expect((await boxOf(demo, '.bar')).bottom).toBeLessThanOrEqual(0);
    await demo.page.setViewport({ width: 1280, height: 900 });
  });

  test('in colours of one’s own the chosen is told from others, and lines from each other', async () => {
    const devtools = await demo.devtools();
    const features = [{ name: 'forced-colors', value: 'active' }];
    await devtools.send('Emulation.setEmulatedMedia', { media: '', features });
    const chosen = await backgrounds(demo, '.segments :checked + span');
    const others = await backgrounds(demo, '.segments :not(:checked) + span');
    for (const background of chosen) expect(others).not.toContain(background);
    for (const legend of await demo.page.$$('.legend')) {
      const swatches = await legend.$$eval('li', (all) =>
        all.map((each) => getComputedStyle(each, '::before').backgroundColor),
      );
      expect(new Set(swatches).size).toBe(swatches.length);
    }
    await devtools.detach();
    expect(demo.complaints).toEqual([]);
  });
});

test('a browser that refuses more addresses for a while has the settings all the same', async () => {
  const refusing = () => {
    const { replaceState } = History.prototype;
    let refused = 0;
    History.prototype.replaceState = function (...how) {
      if (refused++ < 3) throw new DOMException('too many', 'SecurityError');
      return replaceState.apply(this, how);
    };
  };
  const demo = await site.visit({ name: 'bench.html', before: refusing });
  await demo.page.click('[value="long"] + span');
  await expect.poll(() => new URL(demo.page.url()).hash, { timeout: 10_000 }).toBe('#length=long');
  expect(demo.complaints).toEqual([]);
  await demo.page.close();
});
