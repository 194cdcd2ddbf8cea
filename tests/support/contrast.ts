/** Whether a page can be read. Runs in the page. */

/** Texts of the page whose contrast to what is behind them is below 4.5 (WCAG 2, level AA). */
export function faintTexts(): string[] {
  const g = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const over = (colors: readonly string[]) => {
    if (!g) return [];
    for (const color of colors) {
      g.fillStyle = color;
      g.fillRect(0, 0, 1, 1);
    }
    return [...g.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const luminance = (rgb: readonly number[]) => {
    const [r = 0, green = 0, b = 0] = rgb.map((byte) => {
      const c = byte / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * green + 0.0722 * b;
  };
  const faint: string[] = [];
  for (const found of document.querySelectorAll<HTMLElement>('body *')) {
    const hasText = [...found.childNodes].some(
      (node) => node.nodeType === 3 && node.nodeValue?.trim(),
    );
    if (!hasText || !found.checkVisibility() || found.matches(':disabled, :disabled *')) continue;
    const behind: string[] = [];
    for (let at: HTMLElement | null = found; at; at = at.parentElement) {
      behind.unshift(getComputedStyle(at).backgroundColor);
    }
    const [text, paper] = [[...behind, getComputedStyle(found).color], behind].map((colors) =>
      luminance(over(colors)),
    ) as [number, number];
    const ratio = (Math.max(text, paper) + 0.05) / (Math.min(text, paper) + 0.05);
    if (ratio < 4.5) faint.push(`${found.outerHTML.slice(0, 80)}: ${ratio.toFixed(2)}`);
  }
  return faint;
}
