// The benchmark's page: asks for a measurement and shows it while it comes in.
import '../../src/report/log-plot.css';
import { parseReport, stringifyReport } from '../../src/bench/json.ts';
import { benchPage } from '../../src/bench/page/page.ts';
import type { BenchReport } from '../../src/bench/report.ts';
import { short } from '../../src/bench/table.ts';
import { SettingsStore } from '../lab/settings.ts';
import { shareImage, shareLink } from '../lab/share.ts';
import { NO_WEBGPU, showTrained } from '../lab/trained.ts';
import type { OwnFile } from '../protocol.ts';
import { button, element, input } from '../view/elements.ts';
import { acceptChoices, acceptDrops, download } from '../view/files.ts';
import { Notice } from '../view/messages.ts';
import { canvasOf } from './chart-canvas.ts';
import { connect } from './link.ts';
import type { Length, Told } from './protocol.ts';
import { type Earlier, View } from './view.ts';

const measureButton = button('measure');
const done = element<HTMLProgressElement>('done');
const files = input('files');
/** What can be done once something is measured. */
const laterButtons = ['save-json', 'save-page', 'share-image'].map(button);
const lengths = [...document.querySelectorAll<HTMLInputElement>('input[name="length"]')];

const settings = new SettingsStore<{ length: Length }>({ length: 'short' }, () => {});
const notice = new Notice(element('notice'));
const view = new View();
const link = connect(hear);
let isMeasuring = false;
let report: BenchReport | undefined;
let earlier: Earlier | undefined;

function hear(told: Told): void {
  switch (told.type) {
    case 'progress':
      done.value = told.done;
      if (isMeasuring) showActivity('measuring', capital(told.what));
      break;
    case 'report':
      report = told.report;
      view.show(report);
      for (const later of laterButtons) later.disabled = false;
      break;
    case 'ended':
      setMeasuring(false);
      showActivity('ready', told.isWhole ? 'Measured' : 'Stopped: what was measured is shown');
      break;
    case 'failed':
      setMeasuring(false);
      showActivity('failed', told.code === 'no-adapter' ? NO_WEBGPU : 'Stopped');
      if (told.code === 'no-adapter') {
        showTrained(told.text, false, 'Without it there is nothing to measure.');
      } else notice.show('error', told.text);
      break;
  }
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function showActivity(activity: 'ready' | 'measuring' | 'failed', text: string): void {
  document.body.dataset.activity = activity;
  // What is being measured changes too often for whoever listens; the bar has the share that is done.
  element('activity').ariaLive = activity === 'measuring' ? 'off' : 'polite';
  element('activity').textContent = text;
}

function setMeasuring(on: boolean): void {
  isMeasuring = on;
  measureButton.textContent = on ? 'Stop' : 'Measure';
  measureButton.disabled = false;
  done.hidden = !on;
  for (const length of lengths) length.disabled = on;
}

measureButton.addEventListener('click', () => {
  if (isMeasuring) {
    // The sample under way is finished.
    measureButton.disabled = true;
    return link.ask({ type: 'stop' });
  }
  setMeasuring(true);
  done.value = 0;
  showActivity('measuring', 'Preparing…');
  link.ask({ type: 'measure', length: settings.value.length });
});

const bytesOf = (text: string) => new TextEncoder().encode(text);

element('save-json').addEventListener('click', () => {
  if (report) download('latentgpu-bench.json', bytesOf(stringifyReport(report)));
});

element('save-page').addEventListener('click', async () => {
  if (report) download('latentgpu-bench.html', bytesOf(await benchPage(report, earlier?.report)));
});

for (const later of laterButtons) later.disabled = true;
button('share-link').addEventListener('click', () => shareLink(notice));
button('share-image').addEventListener('click', async () => {
  const chart = document.querySelector<SVGSVGElement>('#roofline svg');
  if (!report || !chart) return;
  const { name, isSoftware } = report.adapter;
  const bandwidth = Math.max(...report.peaks.copy.map(({ bytesPerSecond }) => bytesPerSecond));
  const peaks = `${short(report.peaks.flops / 1e9)} GFLOP/s, ${short(bandwidth / 1e9)} GB/s`;
  const ratio = Math.max(2, devicePixelRatio);
  shareImage({
    canvas: await canvasOf(chart, ratio),
    caption: `${name}${isSoftware ? ' (software adapter)' : ''}: ${peaks}`,
    ratio,
  });
});

element('choose').addEventListener('click', () => files.click());
acceptChoices(files, (chosen) => void compareWith(chosen));
acceptDrops((dropped) => void compareWith(dropped));

async function compareWith([first]: readonly OwnFile[]): Promise<void> {
  if (!first) return;
  const { file } = first;
  try {
    earlier = { name: file.name, report: parseReport(await file.text(), file.name) };
  } catch (error) {
    return notice.show('error', error instanceof Error ? error.message : String(error));
  }
  view.compare(earlier);
  if (!report)
    notice.show('info', `${file.name} is compared with as soon as something is measured`);
}
