// Where WebGPU is missing: a small model that was trained before, drawn from by the sampler's JavaScript.
import { load } from '../../src/sampler/index.ts';
import { button, canvas, element, setText } from '../view/elements.ts';
import { Tiles } from '../view/images.ts';
import { sentence } from '../view/messages.ts';

const [COLUMNS, ROWS] = [12, 4];

/** The state of a page that cannot begin. */
export const NO_WEBGPU = 'No WebGPU';

/**
 * @param why there is no WebGPU
 * @param works whether the page goes on in JavaScript; else it is hidden
 * @param without what that means for the page
 */
export function showTrained(
  why: string,
  works: boolean,
  without = 'This page is computed by compute shaders.',
): void {
  const card = element('unavailable');
  card.hidden = false;
  card.classList.toggle('calm', works);
  const line = card.querySelector('.why');
  if (line) line.textContent = sentence(why.split('. Ways out')[0] ?? why);
  if (works) {
    setText(
      'instead',
      'Everything on this page is then computed in JavaScript, by the float64 references that the compute shaders are tested against: the same numbers, slower.',
    );
    return;
  }
  for (const hidden of document.querySelectorAll<HTMLElement>('main, .figures, .transport')) {
    hidden.hidden = true;
  }
  void draw(without).catch(() => setText('instead', without));
}

async function draw(without: string): Promise<void> {
  const model = await load('models/digits/', { backend: 'javascript' });
  const tiles = new Tiles(canvas('trained'), { columns: COLUMNS, rows: ROWS });
  let seed = 1;
  const show = async () => {
    const images = await model.sample(COLUMNS * ROWS, { seed: seed++ });
    tiles.setShape(model.shape);
    tiles.show(images);
  };
  setText(
    'instead',
    `${without} Meanwhile, a variational autoencoder that was trained before: digits nobody wrote, drawn in JavaScript by the small runtime.`,
  );
  element('trained').hidden = false;
  element('trained-buttons').hidden = false;
  button('redraw').addEventListener('click', show);
  await show();
}
