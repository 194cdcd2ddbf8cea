// The page: controls ask the session, and what it reports is drawn.
import { connect } from './link.ts';
import {
  type Activity,
  CANDIDATES,
  INTERPOLATED,
  type PlaneChoice,
  type Ready,
  type Report,
  SAMPLES,
  type Settings,
} from './protocol.ts';
import { Curve } from './view/curve.ts';
import { acceptDrops, download } from './view/files.ts';
import { Tiles } from './view/images.ts';
import { LatentMap } from './view/latent-map.ts';
import { Notice, showUnavailable } from './view/messages.ts';
import { showUnits } from './view/units.ts';

const ACTIVITIES = {
  preparing: 'Preparing…',
  ready: 'Ready',
  training: 'Training',
  paused: 'Paused',
  hidden: 'Waiting',
  recovering: 'Recovering…',
  stranded: 'GPU lost',
  failed: 'Stopped',
} as const;

function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element '${id}'`);
  return found as T;
}

const text = (id: string, value: string) => {
  element(id).textContent = value;
};
const button = (id: string) => element<HTMLButtonElement>(id);
const range = (id: string) => element<HTMLInputElement>(id);
const select = (id: string) => element<HTMLSelectElement>(id);
const canvas = (id: string) => element<HTMLCanvasElement>(id);

let settings: Settings = {
  rate: 2e-3,
  beta: 1,
  latent: 8,
  hidden: [128],
  batch: 64,
  seed: 0,
};
let isTraining = false;
let plane: PlaneChoice = 'principal';

const number = (value: number, digits: number) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

const curve = new Curve(canvas('curve'), (point) => {
  for (const part of ['loss', 'reconstruction', 'kl'] as const) {
    text(part, point ? number(point[part], 1) : '–');
  }
});
const samples = new Tiles(canvas('samples'), { columns: 10, rows: SAMPLES / 10 });
const reconstructions = new Tiles(canvas('reconstructions'), { columns: CANDIDATES, rows: 2 });
const interpolation = new Tiles(canvas('interpolation'), { columns: INTERPOLATED, rows: 1 });
const decoded = new Tiles(canvas('decoded'), { columns: 1, rows: 1 });
const tiles = [samples, reconstructions, interpolation, decoded];
const picks: Record<'from' | 'to', Tiles[]> = { from: [], to: [] };

const notice = new Notice(element('notice'));
const session = connect(report);
const map = new LatentMap(element('map'), (at) => {
  session.ask({ type: 'point', at });
  showPoint(at);
});

function report(told: Report): void {
  switch (told.type) {
    case 'activity':
      showActivity(told.activity);
      break;
    case 'ready':
      showReady(told);
      break;
    case 'adapter': {
      const kind = told.isSoftware ? 'software adapter, no GPU' : 'GPU';
      text('adapter', `${told.name} (${kind})`);
      break;
    }
    case 'kept':
      settings = told.settings;
      showSettings();
      break;
    case 'progress':
      curve.add(told);
      text('step', number(told.step, 0));
      text('epoch', number(told.epoch, 1));
      if (told.stepsPerSecond > 0) {
        text('steps-per-second', number(told.stepsPerSecond, told.stepsPerSecond < 10 ? 1 : 0));
        text('images-per-second', number(told.imagesPerSecond, 0));
      }
      break;
    case 'candidates':
      reconstructions.show(told.images);
      showPicks(told.images, told.labels);
      break;
    case 'reconstructions':
      reconstructions.show(told.images, 1);
      break;
    case 'samples':
      samples.show(told.images);
      break;
    case 'interpolation':
      interpolation.show(told.images);
      break;
    case 'codes':
      map.showCodes(told.points, told.labels, told.extent);
      break;
    case 'manifold':
      if (wantsManifold()) map.showManifold(told);
      break;
    case 'decoded':
      decoded.show(told.image);
      break;
    case 'units':
      text('units-text', showUnits(element('units'), told.kl, told.variance));
      break;
    case 'saved':
      for (const { name, bytes } of told.files) download(name, bytes);
      break;
    case 'notice':
      notice.show(told.tone, told.text);
      break;
    case 'failed':
      if (told.code === 'no-adapter') showUnavailable(element('unavailable'), told.text);
      else notice.show('error', `${told.text} Reset starts again.`);
      break;
  }
}

function showActivity(activity: Activity): void {
  document.body.dataset.activity = activity;
  isTraining = activity === 'training' || activity === 'hidden';
  text('activity', ACTIVITIES[activity]);
  const isStranded = activity === 'stranded';
  const way = activity === 'paused' ? 'Resume' : 'Start';
  text('train', isTraining ? 'Pause' : isStranded ? 'Try again' : way);
  const isBusy = activity === 'preparing';
  const isOver = activity === 'failed';
  for (const id of ['train', 'load', 'choose', 'digits']) setEnabled(id, !isBusy && !isOver);
  for (const id of ['lose', 'shuffle']) setEnabled(id, !isBusy && !isOver && !isStranded);
  setEnabled('save', !isBusy && !isOver);
  setEnabled('reset', !isBusy);
}

/** A control that is taken away for a moment gets the focus back that it had. */
let hadFocus: HTMLElement | undefined;

function setEnabled(id: string, on: boolean): void {
  const control = button(id);
  if (!on && document.activeElement === control) hadFocus = control;
  control.disabled = !on;
  if (on && hadFocus === control) {
    hadFocus = undefined;
    if (document.activeElement === document.body) control.focus();
  }
}

function showReady({ data, settings: now, parameters }: Ready): void {
  settings = now;
  curve.clear();
  for (const each of tiles) each.setShape(data.shape);
  map.reset(data.shape);
  for (const part of ['loss', 'reconstruction', 'kl']) text(part, '–');
  text('step', '0');
  text('epoch', '0.0');
  text('steps-per-second', '–');
  text('images-per-second', '–');
  const name = data.files ? data.name : 'Built-in digits';
  const size = data.shape.join(' × ');
  text('data-name', `${name}: ${number(data.count, 0)} images of ${size}`);
  button('digits').hidden = data.files === undefined;
  text('parameters', `${number(parameters, 0)} parameters`);
  showSettings();
  showPlaneChoices();
  setManifold(false);
  showPoint([0, 0]);
}

// Settings.

function showSettings(): void {
  range('rate').value = String(Math.log10(settings.rate));
  range('beta').value = String(settings.beta);
  choose('latent', settings.latent);
  choose('hidden', settings.hidden.join(', '));
  choose('batch', settings.batch);
  showValues();
}

/** Selects a value, which a loaded model may have brought along. */
function choose(id: string, value: number | string): void {
  const wanted = String(value);
  const list = select(id);
  if (![...list.options].some((option) => option.value === wanted)) list.add(new Option(wanted));
  list.value = wanted;
}

function showValues(): void {
  const rate = settings.rate.toPrecision(2).replace(/\.?0+$/, '');
  text('rate-value', rate);
  text('beta-value', number(settings.beta, 1));
  range('rate').setAttribute('aria-valuetext', rate);
}

for (const id of ['rate', 'beta']) {
  range(id).addEventListener('input', () => {
    const rate = Number((10 ** range('rate').valueAsNumber).toPrecision(2));
    settings = { ...settings, rate, beta: range('beta').valueAsNumber };
    showValues();
    session.ask({ type: 'tune', rate: settings.rate, beta: settings.beta });
  });
}

for (const id of ['latent', 'hidden', 'batch']) {
  select(id).addEventListener('change', () => {
    settings = {
      ...settings,
      latent: Number(select('latent').value),
      hidden: select('hidden').value.split(', ').map(Number),
      batch: Number(select('batch').value),
    };
    restart();
  });
}

/** Goes on training after the change, if it did before. */
function restart(): void {
  const wasTraining = isTraining;
  reset();
  if (wasTraining) session.ask({ type: 'train', on: true });
}

function reset(): void {
  notice.hide();
  // At once, and not when the session gets to it: no click shall fall in between.
  showActivity('preparing');
  session.ask({ type: 'reset', settings });
}

button('train').addEventListener('click', () => {
  notice.hide();
  session.ask({ type: 'train', on: !isTraining });
});
button('reset').addEventListener('click', () => {
  settings = { ...settings, seed: settings.seed + 1 };
  reset();
});
button('lose').addEventListener('click', () => session.ask({ type: 'lose' }));

// The map and its plane.

const wantsManifold = () =>
  document.querySelector<HTMLInputElement>('input[name="map"]:checked')?.value === 'manifold';

function setManifold(on: boolean): void {
  const value = on ? 'manifold' : 'codes';
  for (const input of document.querySelectorAll<HTMLInputElement>('input[name="map"]')) {
    input.checked = input.value === value;
  }
}

function showPoint([u, v]: readonly [number, number]): void {
  text('at', `${number(u, 2)}, ${number(v, 2)}`);
}

const axisNames = (axis: 'x' | 'y') => [
  `PC ${axis === 'x' ? 1 : 2}`,
  ...Array.from({ length: settings.latent }, (_, i) => `z ${i + 1}`),
];

function showPlaneChoices(): void {
  plane = 'principal';
  element('plane').hidden = settings.latent <= 2;
  for (const axis of ['x', 'y'] as const) {
    const options = axisNames(axis).map((name, i) => new Option(name, String(i - 1)));
    select(`plane-${axis}`).replaceChildren(...options);
  }
}

/** Both axes are principal components, or neither is, and they differ. */
function planeChoice(changed: 'x' | 'y'): PlaneChoice {
  const other = select(changed === 'x' ? 'plane-y' : 'plane-x');
  const value = Number(select(`plane-${changed}`).value);
  if (value < 0) other.value = '-1';
  else if (Number(other.value) < 0 || Number(other.value) === value) {
    other.value = String((value + 1) % settings.latent);
  }
  const [x, y] = [Number(select('plane-x').value), Number(select('plane-y').value)];
  return x < 0 ? 'principal' : [x, y];
}

for (const axis of ['x', 'y'] as const) {
  select(`plane-${axis}`).addEventListener('change', () => {
    plane = planeChoice(axis);
    map.jump();
    session.ask({ type: 'plane', choice: plane, manifold: wantsManifold() });
  });
}
for (const input of document.querySelectorAll('input[name="map"]')) {
  input.addEventListener('change', () => {
    if (!wantsManifold()) map.showManifold(undefined);
    session.ask({ type: 'plane', choice: plane, manifold: wantsManifold() });
  });
}

// Interpolation.

const ends = { from: 0, to: 1 };

function showPicks(images: Float32Array, labels: readonly number[] | undefined): void {
  const size = images.length / CANDIDATES;
  for (const end of ['from', 'to'] as const) {
    if (picks[end].length === 0) buildPicks(end);
    picks[end].forEach((tile, i) => {
      tile.show(images.subarray(i * size, (i + 1) * size));
      const name = labels ? `class ${labels[i]}` : `image ${i + 1}`;
      element(`${end}-${i}`).setAttribute('aria-label', name);
    });
  }
}

function buildPicks(end: 'from' | 'to'): void {
  for (let i = 0; i < CANDIDATES; i++) {
    const label = document.createElement('label');
    const input = Object.assign(document.createElement('input'), {
      type: 'radio',
      name: end,
      id: `${end}-${i}`,
      checked: i === ends[end],
    });
    const picture = document.createElement('canvas');
    picture.setAttribute('aria-hidden', 'true');
    label.append(input, picture);
    element(end).append(label);
    const tile = new Tiles(picture, { columns: 1, rows: 1 });
    picks[end].push(tile);
    tiles.push(tile);
    input.addEventListener('change', () => {
      ends[end] = i;
      session.ask({ type: 'interpolate', ...ends });
    });
  }
}

button('shuffle').addEventListener('click', () => session.ask({ type: 'shuffle' }));

// Files.

button('save').addEventListener('click', () => session.ask({ type: 'save' }));
button('digits').addEventListener('click', () => session.ask({ type: 'digits' }));
for (const id of ['choose', 'load']) {
  button(id).addEventListener('click', () => range('files').click());
}
range('files').addEventListener('change', () => {
  open([...(range('files').files ?? [])]);
  // So that the same files can be chosen again.
  range('files').value = '';
});

function open(files: readonly File[]): void {
  if (files.length > 0) session.ask({ type: 'files', files });
}

acceptDrops(open);

document.addEventListener('visibilitychange', () =>
  session.ask({ type: 'hidden', hidden: document.hidden }),
);

showSettings();
session.ask({ type: 'open', settings });
if (document.hidden) session.ask({ type: 'hidden', hidden: true });
