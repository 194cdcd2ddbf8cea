// What a visitor takes along: the page's address with its settings, and what is on a canvas.
import { download } from '../view/files.ts';
import type { Notice } from '../view/messages.ts';
import { theme } from '../view/theme.ts';

export async function shareLink(notice: Notice): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.href);
    notice.show('info', 'The link is copied. It carries the settings');
  } catch {
    notice.show('info', `The link carries the settings: ${location.href}`);
  }
}

const MARGIN = 24;
const FOOT = 34;

export interface Picture {
  readonly canvas: HTMLCanvasElement;
  /** A line beneath it. */
  readonly caption: string;
  /** Its pixels in one of the page; default: as it is shown there. */
  readonly ratio?: number;
}

/** A PNG of a canvas on the page's paper, with a line beneath it. */
export function shareImage({
  canvas,
  caption,
  ratio = canvas.width / Math.max(1, canvas.clientWidth),
}: Picture): void {
  const sheet = document.createElement('canvas');
  sheet.width = canvas.width + 2 * MARGIN * ratio;
  sheet.height = canvas.height + (2 * MARGIN + FOOT) * ratio;
  const g = sheet.getContext('2d') as CanvasRenderingContext2D;
  const { card, ink, muted } = theme();
  g.fillStyle = card;
  g.fillRect(0, 0, sheet.width, sheet.height);
  g.drawImage(canvas, MARGIN * ratio, MARGIN * ratio);
  const { fontFamily } = getComputedStyle(document.body);
  const line = sheet.height - MARGIN * ratio;
  g.font = `600 ${14 * ratio}px ${fontFamily}`;
  g.fillStyle = ink;
  g.fillText('latentgpu', MARGIN * ratio, line);
  const width = g.measureText('latentgpu  ').width;
  g.font = `${14 * ratio}px ${fontFamily}`;
  g.fillStyle = muted;
  g.fillText(caption, MARGIN * ratio + width, line, sheet.width - width - 2 * MARGIN * ratio);
  sheet.toBlob(async (blob) => {
    if (blob) download('latentgpu.png', new Uint8Array(await blob.arrayBuffer()));
  });
}
