// The card that says how good the model is, how sure that is, and of what data.
import { type Html, html, type Part } from './html.ts';

export interface Tile {
  readonly label: string;
  readonly value: number;
  readonly digits: number;
  /** A standard error, with the digits it is given. */
  readonly error?: number;
  readonly errorDigits?: number;
  readonly unit: string;
  /** For programs that read the page. */
  readonly name: string;
}

export interface Card {
  readonly heading: string;
  readonly of: CardSubject;
  readonly tiles: readonly Tile[];
  readonly explanation: readonly Part[];
}

/** What an evaluation was of. */
export interface CardSubject {
  /** `mnist, 10,000 rows`. */
  readonly data: string;
  /** Which split, and how the data were made what the model sees. */
  readonly treatment: string;
  readonly seed: number;
}

/** Where a number is as large as this, nobody reads its decimals. */
const LARGE = 1e5;

/** As a tile shows it: large numbers by thousands. */
function shown(value: number, digits: number): string {
  const size = Math.abs(value);
  const decimals = size >= LARGE ? 0 : digits;
  const text =
    size < 1e4
      ? size.toFixed(digits)
      : size.toLocaleString('en', {
          minimumFractionDigits: decimals,
          maximumFractionDigits: decimals,
        });
  return value < 0 && Number(size.toFixed(digits)) !== 0 ? `−${text}` : text;
}

function tileOf({ label, value, digits, error, errorDigits = 2, unit, name }: Tile): Html {
  return html`<div class="tile"><dt class="label">${label}</dt>
<dd><data id="${name}" value="${value}">${shown(value, digits)}</data>${
    // One row has no spread.
    error !== undefined &&
    error > 0 &&
    html` <span class="error">± <data id="${name}-error" value="${error}">${shown(error, errorDigits)}</data></span>`
  } <span class="unit">${unit}</span></dd></div>
`;
}

export function cardSection({ heading, of, tiles, explanation }: Card): Html {
  return html`<section aria-labelledby="likelihood">
<h2 id="likelihood">${heading}</h2>
<p>Of ${of.data}: ${of.treatment}.</p>
<dl class="tiles">
${tiles.map(tileOf)}</dl>
<p class="small">${explanation}Seed ${of.seed}.</p>
</section>
`;
}
