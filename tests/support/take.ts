/** What is taken along from a page of the demo: a link and an image. */
import type { DemoPage } from './demo.ts';

/** What a page copies and saves, caught on its way out. */
interface Taken {
  link?: string;
  image?: number[];
}

/** Presses both buttons of what is to be taken along from a page of the demo. */
export async function take({ page }: DemoPage): Promise<Required<Taken>> {
  await page.evaluate(() => {
    const taken: Taken = {};
    Object.assign(globalThis, { taken });
    navigator.clipboard.writeText = async (text) => {
      taken.link = text;
    };
    const { createObjectURL } = URL;
    URL.createObjectURL = (blob) => {
      void (blob as Blob).arrayBuffer().then((buffer) => {
        taken.image = [...new Uint8Array(buffer)];
      });
      return createObjectURL(blob);
    };
    HTMLAnchorElement.prototype.click = () => {};
    for (const id of ['share-link', 'share-image']) document.getElementById(id)?.click();
  });
  const taken = () => (globalThis as unknown as { taken: Taken }).taken;
  await page.waitForFunction(() => {
    const { link, image } = (globalThis as unknown as { taken: Taken }).taken;
    return link && image;
  });
  return (await page.evaluate(taken)) as Required<Taken>;
}
