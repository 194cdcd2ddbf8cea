// A run as Markdown.
import { short } from '../../../src/bench/table.ts';
import {
  AGAIN,
  type Cell,
  FALLBACK,
  FALLBACK_AIM,
  type PeerReport,
  type RowReport,
  SELF,
} from './report.ts';

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)];
}

/** Median and quartiles, or the mark of a footnote. */
function cellText(cell: Cell | undefined, mark: (cell: Cell) => string): string {
  if (!cell) return '';
  if (cell.state !== 'measured') return mark(cell);
  const { median, quartiles, count } = cell.summary as NonNullable<Cell['summary']>;
  if (count === 1) return short(median);
  return `${short(median)} (${quartiles.map(short).join('–')})`;
}

const medianOf = (cell: Cell | undefined) =>
  cell?.state === 'measured' ? (cell.summary as NonNullable<Cell['summary']>).median : undefined;

/** The fastest (smallest) of some engines in a row. */
function best({ cells }: RowReport, of: (label: string) => boolean): Cell | undefined {
  const measured = cells.filter((cell) => cell.state === 'measured' && of(cell.label));
  return measured.reduce<Cell | undefined>(
    (a, b) => (a && (medianOf(a) as number) <= (medianOf(b) as number) ? a : b),
    undefined,
  );
}

const isPeer = (label: string) => ![SELF, AGAIN, FALLBACK].includes(label);
const isWasmPeer = (label: string) => isPeer(label) && label.endsWith('wasm');

function ratioText({ ratio }: Cell): string {
  if (!ratio) return '';
  const { value, low, high } = ratio;
  const span = low === high ? '' : ` (${low.toFixed(2)}–${high.toFixed(2)})`;
  return `${value.toFixed(2)}×${span}`;
}

function comparison(row: RowReport): string[] {
  const peer = best(row, (label) => isPeer(label) && label.endsWith('webgpu'));
  const { aim, unit } = row;
  const text = 'most' in aim ? `≤ ${aim.most} ${unit}` : `≥ ${aim.ratio}×`;
  const own = medianOf(row.cells.find(({ label }) => label === SELF));
  const reached =
    'most' in aim
      ? own !== undefined && own <= aim.most
      : peer?.ratio && peer.ratio.value >= aim.ratio;
  return [
    peer?.label ?? '–',
    peer?.ratio ? ratioText(peer) : '–',
    text,
    reached === undefined ? '–' : reached ? 'yes' : 'no',
  ];
}

/** Where a processor is faster than this library on this adapter. */
function crossovers(rows: readonly RowReport[]): string[] {
  return rows.flatMap((row) => {
    const own = medianOf(row.cells.find(({ label }) => label === SELF));
    const wasm = best(row, isWasmPeer);
    const time = medianOf(wasm);
    if (own === undefined || time === undefined || time >= own || row.unit !== 'ms') return [];
    return [
      `- ${row.name}: ${wasm?.label} ${short(time)} ms, latentgpu ${short(own)} ms ` +
        `(${(own / time).toFixed(1)}× as long)`,
    ];
  });
}

/** What the small runtime does without WebGPU, beside the fastest peer that does. */
function fallbacks(rows: readonly RowReport[]): string[][] {
  return rows.flatMap((row) => {
    const own = medianOf(row.cells.find(({ label }) => label === FALLBACK));
    const peer = best(row, isWasmPeer);
    const time = medianOf(peer);
    if (own === undefined || !peer || time === undefined || row.unit !== 'ms') return [];
    const ratio = own / time;
    return [
      [
        row.name,
        short(own),
        `${peer.label} ${short(time)}`,
        `${ratio.toFixed(2)}×`,
        ratio <= FALLBACK_AIM ? 'yes' : 'no',
      ],
    ];
  });
}

function counts({ rows, engines }: PeerReport): string[] {
  const gpu = engines.filter(({ backend, label }) => backend === 'webgpu' && label !== AGAIN);
  const text = (cell: Cell | undefined) => {
    const per = cell?.perStep;
    if (cell?.state !== 'measured' || !per) return '–';
    return [per.dispatches, per.submissions, per.buffers].map((n) => short(n)).join(' / ');
  };
  const lines = rows
    .filter(({ cells }) => cells.some(({ perStep }) => perStep))
    .map((row) => [
      row.name,
      ...gpu.map(({ label }) => text(row.cells.find((cell) => cell.label === label))),
    ]);
  return lines.length === 0 ? [] : table(['a step', ...gpu.map(({ label }) => label)], lines);
}

export function formatMarkdown(report: PeerReport): string {
  const { engines, rows, machine } = report;
  const labels = engines.map(({ label }) => label);
  const notes: string[] = [];
  const mark =
    ({ name }: RowReport) =>
    ({ label, state, reason }: Cell) => {
      const note =
        state === 'absent' ? `${label} ${reason}` : `${name}, ${label}: ${state}: ${reason}`;
      const known = notes.indexOf(note);
      const number = known >= 0 ? known + 1 : notes.push(note);
      return `${state === 'absent' ? '–' : state} [${number}]`;
    };
  const main = rows.map((row) => [
    `${row.row}. ${row.name}, ${row.unit}`,
    ...labels.map((label) =>
      cellText(
        row.cells.find((cell) => cell.label === label),
        mark(row),
      ),
    ),
  ]);
  // A run has one adapter: what a GPU would make of the rows is another run's to say.
  const isSoftware = /swiftshader|llvmpipe|lavapipe/i.test(report.adapter);
  const onGpu = (...cells: string[]) => (isSoftware ? cells : []);
  const summary = rows.map((row) => [row.name, ...comparison(row), ...onGpu('', '')]);
  const again = rows.flatMap((row) => {
    const cell = row.cells.find(({ label }) => label === AGAIN);
    return cell?.ratio ? [[row.name, ratioText(cell)]] : [];
  });
  const wasm = crossovers(rows);
  const without = fallbacks(rows);
  const counted = counts(report);
  return [
    `${report.adapter}; ${report.browser}; ${machine.processor}, ${machine.cores} cores, load ` +
      `${machine.load.map((n) => n.toFixed(1)).join(' → ')}; ${report.date.slice(0, 10)}`,
    '',
    ...engines.map(
      ({ label, version, note }) => `- ${label}: ${version}${note ? `, ${note}` : ''}`,
    ),
    '',
    'Medians with quartiles of interleaved samples; every result agrees with float64.',
    '',
    ...table(['', ...labels], main),
    ...(notes.length > 0 ? ['', ...notes.map((note, i) => `[${i + 1}] ${note}  `)] : []),
    '',
    'The best peer on WebGPU over latentgpu, with a 95 % interval:',
    '',
    ...table(
      ['', 'best peer', 'ratio', 'aim', 'reached', ...onGpu('ratio on a GPU', 'reached on a GPU')],
      summary,
    ),
    ...onGpu('', 'On a GPU: not measured: no GPU at hand.'),
    ...(again.length > 0
      ? ['', 'latentgpu against itself, in a page of its own:', '', ...table(['', 'ratio'], again)]
      : []),
    ...(wasm.length > 0
      ? ['', 'Faster on the processor (WebAssembly) than latentgpu on this adapter:', '', ...wasm]
      : []),
    ...(without.length > 0
      ? [
          '',
          `Without WebGPU, latentgpu (one thread) over the fastest peer; the aim is ≤ ${FALLBACK_AIM}×:`,
          '',
          ...table(['', 'latentgpu, ms', 'fastest peer, ms', 'ratio', 'reached'], without),
        ]
      : []),
    ...(counted.length > 0 ? ['', 'Dispatches / submissions / new buffers:', '', ...counted] : []),
    '',
  ].join('\n');
}
