// The page: controls ask the session, and what it reports is drawn.
import { shareImage, shareLink } from './lab/share.ts';
import { NO_WEBGPU, showTrained } from './lab/trained.ts';
import { connect } from './link.ts';
import {
  type Activity,
  CANDIDATES,
  INTERPOLATED,
  type OwnFile,
  type Ready,
  type Report,
  SAMPLES,
  type Wish,
} from './protocol.ts';
import { CloudPicture } from './view/cloud.ts';
import { Curve } from './view/curve.ts';
import { DrawingCard } from './view/drawing.ts';
import { button, canvas, element, formatNumber, input, setText } from './view/elements.ts';
import { Ends } from './view/ends.ts';
import { acceptChoices, acceptDrops, download } from './view/files.ts';
import { Tiles } from './view/images.ts';
import { LatentMap } from './view/latent-map.ts';
import { LikelihoodCard } from './view/likelihood.ts';
import { MapControls } from './view/map-controls.ts';
import { Notice, sentence } from './view/messages.ts';
import { kindOf, RowsView } from './view/rows.ts';
import { showState } from './view/state.ts';
import { TrainSettings } from './view/train-settings.ts';
import { showUnits } from './view/units.ts';

let isTraining = false;
/** Whether it is to train as soon as the model is made. */
let goesOn = false;
/** Models asked for so far. */
let turn = 0;
/** Whether rates were changed while the model is made. */
let isTuned = false;
let ready: Ready | undefined;

const curve = new Curve(canvas('curve'), (point) => {
  for (const part of ['loss', 'reconstruction', 'kl'] as const) {
    const value = point?.[part];
    setText(part, value === undefined ? '–' : formatNumber(value, 1));
  }
});
const samples = new Tiles(canvas('samples'), { columns: 10, rows: SAMPLES / 10 });
const reconstructions = new Tiles(canvas('reconstructions'), { columns: CANDIDATES, rows: 2 });
const interpolation = new Tiles(canvas('interpolation'), { columns: INTERPOLATED, rows: 1 });
const decoded = new Tiles(canvas('decoded'), { columns: 1, rows: 1 });
const cloud = new CloudPicture(canvas('cloud'));
const rows = new RowsView();
const likelihood = new LikelihoodCard();

const notice = new Notice(element('notice'));
const session = connect(report);
const map = new LatentMap(element('map'), (at) => {
  session.ask({ type: 'point', at });
  showPoint(at);
});

const settings = new TrainSettings(
  ({ rate, beta }) => {
    isTuned = document.body.dataset.activity === 'preparing';
    session.ask({ type: 'tune', rate, beta });
  },
  () => restart(),
);
const drawing = new DrawingCard({
  onDrawing: (image, label) => session.ask({ type: 'drawing', image, label }),
  onPick: (row) => session.ask({ type: 'pick', row }),
  onErase: () => map.showMark(undefined),
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
      follow(told);
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
      if (isOfImages()) decoded.show(told.image);
      else cloud.showDecoded(told.image);
      rows.showPoint(told.row);
      break;
    case 'cloud':
      cloud.show(told);
      rows.showDraws(told.rows);
      break;
    case 'picked':
      drawing.showPicked(told.image, told.label);
      break;
    case 'drawn':
      drawing.showDrawn(told);
      map.showMark(told.at);
      break;
    case 'likelihood':
      likelihood.show(told);
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
      if (told.code === 'no-adapter') {
        showTrained(told.text, false);
      } else notice.show('error', `${sentence(told.text)} Reset starts again.`);
      break;
  }
}

/** What the controls say is what the session does, unless they have been changed since. */
function follow({ settings: now, turn: answered }: Wish): void {
  if (answered !== turn) return;
  const { rate, beta } = settings.value;
  settings.adopt(isTuned ? { ...now, rate, beta } : now);
  isTuned = false;
}

function showActivity(activity: Activity): void {
  isTraining = activity === 'training' || activity === 'hidden';
  if (isTraining || activity === 'failed') goesOn = false;
  likelihood.setMeasuring(activity === 'measuring');
  showState(activity, isTraining, element('step').textContent !== '0');
  if (activity === 'failed' && !element('unavailable').hidden) setText('activity', NO_WEBGPU);
}

const isOfImages = () => (ready?.data.shape.length ?? 2) > 1;

function showReady(told: Ready): void {
  const { data, parameters, isStandard } = told;
  ready = told;
  curve.clear();
  cloud.clear();
  likelihood.clear();
  rows.reset(data);
  document.body.dataset.kind = isOfImages() ? 'images' : 'vectors';
  for (const each of [samples, reconstructions, interpolation, decoded, ends]) {
    each.setShape(data.shape);
  }
  map.reset(data.shape, isStandard);
  for (const part of ['loss', 'reconstruction', 'kl']) setText(part, '–');
  setText('step', '0');
  setText('epoch', '0.0');
  setText('steps-per-second', '–');
  setText('images-per-second', '–');
  const name = data.name === 'digits' ? 'Built-in digits' : data.name;
  setText('data-name', `${name}: ${formatNumber(data.count, 0)} ${kindOf(data)}`);
  setText('parameters', `${formatNumber(parameters, 0)} parameters`);
  follow(told);
  drawing.reset(told);
  mapControls.reset(told.settings.latent);
  showPoint([0, 0]);
}

/** Goes on training after the change, if it did before, or was to. */
function restart(): void {
  goesOn ||= isTraining;
  reset();
  if (goesOn) session.ask({ type: 'train', on: true });
}

function reset(): void {
  notice.hide();
  // At once, and not when the session gets to it: no click shall fall in between.
  showActivity('preparing');
  isTuned = false;
  session.ask({ type: 'reset', settings: settings.value, turn: ++turn });
}

button('train').addEventListener('click', () => {
  notice.hide();
  goesOn = false;
  session.ask({ type: 'train', on: !isTraining });
});
button('reset').addEventListener('click', () => {
  settings.set('seed', settings.value.seed + 1);
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

button('measure').addEventListener('click', () => {
  const on = button('measure').getAttribute('aria-pressed') !== 'true';
  session.ask({ type: 'measure', on });
});

button('share-link').addEventListener('click', () => shareLink(notice));
button('share-image').addEventListener('click', () => {
  const { family, data } = settings.value;
  const caption = `${family} of ${data}, step ${element('step').textContent}: loss ${element('loss').textContent} nats`;
  shareImage({ canvas: canvas(isOfImages() ? 'samples' : 'cloud'), caption });
});

// Files.

button('save').addEventListener('click', () => session.ask({ type: 'save' }));
for (const id of ['choose', 'load']) {
  button(id).addEventListener('click', () => input('files').click());
}
button('choose-folder').addEventListener('click', () => input('folder').click());
for (const id of ['files', 'folder']) acceptChoices(input(id), open);
acceptDrops(open);

function open(files: readonly OwnFile[]): void {
  if (files.length > 0) session.ask({ type: 'files', files });
}

document.addEventListener('visibilitychange', () =>
  session.ask({ type: 'hidden', hidden: document.hidden }),
);

session.ask({ type: 'open', settings: settings.value, turn });
if (document.hidden) session.ask({ type: 'hidden', hidden: true });
