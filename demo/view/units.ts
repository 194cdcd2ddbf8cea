// Bars: what each latent dimension tells about an image.
import { ACTIVE_VARIANCE } from '../protocol.ts';

/**
 * @param kl of each dimension, in nats; where it is not known, variances of the codes are shown
 * @returns a sentence about them
 */
export function showUnits(
  bars: HTMLElement,
  kl: Float64Array | undefined,
  variance: Float64Array,
): string {
  const shown = kl ?? variance;
  const largest = Math.max(...shown);
  const most = Math.max(0.1, largest);
  // Little is not nothing.
  const digits = largest < 1 ? 2 : 1;
  const isActive = (d: number) => (variance[d] as number) > ACTIVE_VARIANCE;
  while (bars.children.length > shown.length) bars.lastElementChild?.remove();
  while (bars.children.length < shown.length) {
    const bar = document.createElement('li');
    for (const part of ['i', 'span', 'b']) bar.append(document.createElement(part));
    bars.append(bar);
  }
  bars.classList.toggle('many', shown.length > 16);
  bars.classList.toggle('crowd', shown.length > 32);
  [...bars.children].forEach((bar, d) => {
    const value = shown[d] as number;
    const [nats, fill, name] = bar.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
    nats.textContent = value.toFixed(digits);
    fill.style.setProperty('--share', String(value / most));
    fill.classList.toggle('idle', !isActive(d));
    name.textContent = String(d + 1);
    const text = `dimension ${d + 1}: ${kl ? `${value.toFixed(2)} nats` : `variance ${value.toFixed(2)}`}${isActive(d) ? '' : ', not active'}`;
    bar.setAttribute('title', text);
    bar.setAttribute('aria-label', text);
  });
  const active = [...shown.keys()].filter(isActive).length;
  const total = kl
    ? `${kl.reduce((a, b) => a + b, 0).toFixed(digits)} nats in all`
    : 'variances of the codes';
  return `${active} of ${shown.length} active, ${total}`;
}
