// The page: controls ask the session, and what it reports is drawn.
import { connect } from './link.ts';
import {
  type Activity,
  CANDIDATES,
  INTERPOLATED,
  type Ready,
  type Report,
  SAMPLES,
  type Settings,
} from './protocol.ts';
import { Curve } from './view/curve.ts';
import {
  button,
  canvas,
  element,
  formatNumber,
  input,
  setEnabled,
  setText,
} from './view/elements.ts';
import { Ends } from './view/ends.ts';
import { acceptChoices, acceptDrops, download } from './view/files.ts';
import { Tiles } from './view/images.ts';
import { LatentMap } from './view/latent-map.ts';
import { MapControls } from './view/map-controls.ts';
import { Notice, showUnavailable } from './view/messages.ts';
import { SettingsControls } from './view/settings.ts';
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

const INITIAL: Settings = {
  rate: 2e-3,
  beta: 1,
  latent: 8,
  hidden: [128],
  batch: 64,
  seed: 0,
};

let isTraining = false;

const curve = new Curve(canvas('curve'), (point) => {
  for (const part of ['loss', 'reconstruction', 'kl'] as const) {
    setText(part, point ? formatNumber(point[part], 1) : '–');
  }
});
const samples = new Tiles(canvas('samples'), { columns: 10, rows: SAMPLES / 10 });
const reconstructions = new Tiles(canvas('reconstructions'), { columns: CANDIDATES, rows: 2 });
const interpolation = new Tiles(canvas('interpolation'), { columns: INTERPOLATED, rows: 1 });
const decoded = new Tiles(canvas('decoded'), { columns: 1, rows: 1 });

const notice = new Notice(element('notice'));
const session = connect(report);
const map = new LatentMap(element('map'), (at) => {
  session.ask({ type: 'point', at });
  showPoint(at);
});

const settings = new SettingsControls(INITIAL, {
  onRates: (rate, beta) => session.ask({ type: 'tune', rate, beta }),
  onModel: restart,
});
const mapControls = new MapControls({
  onPlane: () => {
    map.jump();
    askPlane();
  },
  onKind: () => {
    if (!mapControls.wantsManifold) map.showManifold(undefined);
    askPlane();
  },
});
const ends = new Ends((from, to) => session.ask({ type: 'interpolate', from, to }));

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
      setText('adapter', `${told.name} (${kind})`);
      break;
    }
    case 'kept':
      settings.show(told.settings);
      break;
    case 'progress':
      curve.add(told);
      setText('step', formatNumber(told.step, 0));
      setText('epoch', formatNumber(told.epoch, 1));
      if (told.stepsPerSecond > 0) {
        setText(
          'steps-per-second',
          formatNumber(told.stepsPerSecond, told.stepsPerSecond < 10 ? 1 : 0),
        );
        setText('images-per-second', formatNumber(told.imagesPerSecond, 0));
      }
      break;
    case 'candidates':
      reconstructions.show(told.images);
      ends.show(told.images, told.labels);
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
      if (mapControls.wantsManifold) map.showManifold(told);
      break;
    case 'decoded':
      decoded.show(told.image);
      break;
    case 'units':
      setText('units-text', showUnits(element('units'), told.kl, told.variance));
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
  setText('activity', ACTIVITIES[activity]);
  const isStranded = activity === 'stranded';
  const way = activity === 'paused' ? 'Resume' : 'Start';
  setText('train', isTraining ? 'Pause' : isStranded ? 'Try again' : way);
  const isBusy = activity === 'preparing';
  const isOver = activity === 'failed';
  for (const id of ['train', 'load', 'choose', 'digits']) setEnabled(id, !isBusy && !isOver);
  for (const id of ['lose', 'shuffle']) setEnabled(id, !isBusy && !isOver && !isStranded);
  setEnabled('save', !isBusy && !isOver);
  setEnabled('reset', !isBusy);
}

function showReady({ data, settings: now, parameters }: Ready): void {
  curve.clear();
  for (const each of [samples, reconstructions, interpolation, decoded, ends]) {
    each.setShape(data.shape);
  }
  map.reset(data.shape);
  for (const part of ['loss', 'reconstruction', 'kl']) setText(part, '–');
  setText('step', '0');
  setText('epoch', '0.0');
  setText('steps-per-second', '–');
  setText('images-per-second', '–');
  const name = data.files ? data.name : 'Built-in digits';
  const size = data.shape.join(' × ');
  setText('data-name', `${name}: ${formatNumber(data.count, 0)} images of ${size}`);
  button('digits').hidden = data.files === undefined;
  setText('parameters', `${formatNumber(parameters, 0)} parameters`);
  settings.show(now);
  mapControls.reset(now.latent);
  showPoint([0, 0]);
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
  session.ask({ type: 'reset', settings: settings.value });
}

button('train').addEventListener('click', () => {
  notice.hide();
  session.ask({ type: 'train', on: !isTraining });
});
button('reset').addEventListener('click', () => {
  settings.nextSeed();
  reset();
});
button('lose').addEventListener('click', () => session.ask({ type: 'lose' }));

function askPlane(): void {
  const { choice, wantsManifold } = mapControls;
  session.ask({ type: 'plane', choice, manifold: wantsManifold });
}

function showPoint([u, v]: readonly [number, number]): void {
  setText('at', `${formatNumber(u, 2)}, ${formatNumber(v, 2)}`);
}

button('shuffle').addEventListener('click', () => session.ask({ type: 'shuffle' }));

// Files.

button('save').addEventListener('click', () => session.ask({ type: 'save' }));
button('digits').addEventListener('click', () => session.ask({ type: 'digits' }));
for (const id of ['choose', 'load']) {
  button(id).addEventListener('click', () => input('files').click());
}
acceptChoices(input('files'), open);
acceptDrops(open);

function open(files: readonly File[]): void {
  if (files.length > 0) session.ask({ type: 'files', files });
}

document.addEventListener('visibilitychange', () =>
  session.ask({ type: 'hidden', hidden: document.hidden }),
);

session.ask({ type: 'open', settings: settings.value });
if (document.hidden) session.ask({ type: 'hidden', hidden: true });
