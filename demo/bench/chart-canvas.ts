// A chart of the page on a canvas of its own, in the colours that the page's style sheet gives it.

/** What the style sheet says of charts, which does not reach an image: as attributes, which no policy forbids. */
const STYLES = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linejoin',
  'opacity',
  'font-family',
  'font-size',
];

/** @param ratio pixels of the canvas in one of the page */
export async function canvasOf(chart: SVGSVGElement, ratio: number): Promise<HTMLCanvasElement> {
  const { width, height } = chart.viewBox.baseVal;
  const copy = chart.cloneNode(true) as SVGSVGElement;
  const shown = [chart, ...chart.querySelectorAll('*')];
  for (const [i, each] of [copy, ...copy.querySelectorAll('*')].entries()) {
    const style = getComputedStyle(shown[i] as Element);
    for (const name of STYLES) each.setAttribute(name, style.getPropertyValue(name));
  }
  const text = new XMLSerializer().serializeToString(copy);
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width * ratio, height * ratio];
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}
