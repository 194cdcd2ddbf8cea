// Bars: what each latent dimension tells about an image.
import { ACTIVE_VARIANCE } from '../protocol.ts';

/** @returns a sentence about them */
export function showUnits(bars: HTMLElement, kl: Float64Array, variance: Float64Array): string {
  const most = Math.max(0.1, ...kl);
  const isActive = (d: number) => (variance[d] as number) > ACTIVE_VARIANCE;
  while (bars.children.length > kl.length) bars.lastElementChild?.remove();
  while (bars.children.length < kl.length) {
    const bar = document.createElement('li');
    for (const part of ['i', 'span', 'b']) bar.append(document.createElement(part));
    bars.append(bar);
  }
  bars.classList.toggle('many', kl.length > 16);
  bars.classList.toggle('crowd', kl.length > 32);
  [...bars.children].forEach((bar, d) => {
    const value = kl[d] as number;
    const [nats, fill, name] = bar.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
    nats.textContent = value.toFixed(1);
    fill.style.setProperty('--share', String(value / most));
    fill.classList.toggle('idle', !isActive(d));
    name.textContent = String(d + 1);
    const text = `dimension ${d + 1}: ${value.toFixed(2)} nats${isActive(d) ? '' : ', not active'}`;
    bar.setAttribute('title', text);
    bar.setAttribute('aria-label', text);
  });
  const active = [...kl.keys()].filter(isActive).length;
  const total = kl.reduce((a, b) => a + b, 0);
  return `${active} of ${kl.length} active, ${total.toFixed(1)} nats in all`;
}
