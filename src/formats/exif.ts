// How a camera was held, as Exif data in an image say it (CIPA DC-008, Exif 2.3).
import type { Raster } from './raster.ts';

/** The tag 0x0112 of the first directory of Exif data, with or without the six bytes that JPEG puts before them. */
export function orientationOf(exif: Uint8Array): number | undefined {
  const hasName = new TextDecoder('latin1').decode(exif.subarray(0, 4)) === 'Exif';
  const tiff = hasName ? exif.subarray(6) : exif;
  if (tiff.length < 10 || (tiff[0] !== 0x49 && tiff[0] !== 0x4d)) return undefined;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = tiff[0] === 0x49;
  const start = view.getUint32(4, little);
  if (start + 2 > tiff.length) return undefined;
  const count = view.getUint16(start, little);
  for (let i = 0, at = start + 2; i < count && at + 12 <= tiff.length; i++, at += 12) {
    if (view.getUint16(at, little) !== 0x0112) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}

/** From row and column of the upright image to those stored, by orientation (Exif 2.3, table 6). */
export function turned(image: Raster, orientation: number): Raster {
  if (orientation === 1) return image;
  const { width, height, channels, data } = image;
  const isSwapped = orientation >= 5;
  const [across, down] = isSwapped ? [height, width] : [width, height];
  const flipsX = [2, 3, 7, 8].includes(orientation);
  const flipsY = [3, 4, 6, 7].includes(orientation);
  const Type = data instanceof Uint16Array ? Uint16Array : Uint8Array;
  const result = new Type(data.length);
  for (let row = 0; row < down; row++) {
    for (let column = 0; column < across; column++) {
      const [y, x] = isSwapped ? [column, row] : [row, column];
      const from = (flipsY ? height - 1 - y : y) * width + (flipsX ? width - 1 - x : x);
      for (let c = 0; c < channels; c++) {
        result[(row * across + column) * channels + c] = data[from * channels + c] as number;
      }
    }
  }
  return { width: across, height: down, channels, data: result };
}
