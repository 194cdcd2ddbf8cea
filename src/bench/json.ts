// Reports as JSON, and back.
import { LatentGpuError } from '../errors.ts';
import type { BenchCurve, BenchReport, Measurement } from './report.ts';

/** The report as JSON with one line for a list of numbers, for people and for `diff`. */
export function stringifyReport(report: BenchReport): string {
  return `${print(report, '')}\n`;
}

const WIDTH = 100;

function print(value: unknown, indent: string, key = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const plain = value.every((item) => typeof item !== 'object');
    const items = value.map((item) => print(item, deeper));
    const line = `[${items.join(', ')}]`;
    if (plain && indent.length + key.length + line.length < WIDTH) return line;
    const body = value.every((item) => typeof item === 'number')
      ? fill(items, deeper)
      : items.map((item) => deeper + item).join(',\n');
    return `[\n${body}\n${indent}]`;
  }
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]) => `${deeper}"${name}": ${print(field, deeper, `"${name}": `)}`);
  return `{\n${fields.join(',\n')}\n${indent}}`;
}

/** As many items a line as fit. */
function fill(items: readonly string[], indent: string): string {
  const lines: string[] = [];
  let line = '';
  items.forEach((item, i) => {
    const text = i === items.length - 1 ? item : `${item},`;
    if (line && indent.length + line.length + 1 + text.length > WIDTH) {
      lines.push(indent + line);
      line = text;
    } else line = line ? `${line} ${text}` : text;
  });
  lines.push(indent + line);
  return lines.join('\n');
}

const [OPENING, CLOSING] = ['<script type="application/json" id="measurements">', '</script>'];

/** The report as a piece of a page, from which {@link parseReport} reads it again. */
export function embedded(report: BenchReport): string {
  // No text in it may end the script.
  return `${OPENING}\n${stringifyReport(report).replaceAll('<', '\\u003c')}${CLOSING}\n`;
}

/** A page's measurements, or the text itself where it is no page. */
function withoutPage(text: string): string {
  const start = text.indexOf(OPENING);
  if (start < 0) return text;
  const from = start + OPENING.length;
  return text.slice(from, text.indexOf(CLOSING, from));
}

/**
 * A report from its text: JSON, or a page that holds it.
 *
 * @param name what to call the text in messages
 * @throws LatentGpuError `bad-format`
 */
export function parseReport(text: string, name: string): BenchReport {
  const refuse = (why: string, cause?: unknown) =>
    new LatentGpuError('bad-format', `${name} is no benchmark report: ${why}`, { cause });
  if (text.trim() === '') throw refuse('it is empty');
  let value: unknown;
  try {
    value = JSON.parse(withoutPage(text));
  } catch (cause) {
    throw refuse('it holds no JSON', cause);
  }
  const report = value as Partial<BenchReport> | null;
  if (typeof report !== 'object' || report === null) throw refuse('it holds no object');
  if (report.format === undefined) throw refuse('its JSON is of something else');
  if (report.format !== 1) {
    throw refuse(`its format is ${JSON.stringify(report.format)}, and this version reads 1`);
  }
  const isMeasured = ({ samples, ms, work, share }: Partial<Measurement>) =>
    Array.isArray(samples) &&
    samples.length > 0 &&
    samples.every((x) => typeof x === 'number' && x > 0) &&
    [ms?.median, ms?.min, ...(ms?.quartiles ?? [undefined]), work?.flops, work?.bytes, share].every(
      (x) => typeof x === 'number',
    );
  const areRows =
    Array.isArray(report.rows) &&
    report.rows.every((row) => typeof row?.name === 'string' && isMeasured(row));
  if (!areRows || !report.adapter || !report.host) {
    throw refuse('its rows, its host or its adapter are missing or damaged');
  }
  const { flops, copy, dispatch } = report.peaks ?? {};
  if (!(flops && Array.isArray(copy) && copy.length > 0 && dispatch)) {
    throw refuse('its peaks are missing or damaged');
  }
  const areCurves =
    report.curves === undefined ||
    (Array.isArray(report.curves) &&
      report.curves.every(
        ({ name, points }: Partial<BenchCurve>) =>
          typeof name === 'string' && Array.isArray(points) && points.every(isMeasured),
      ));
  if (!areCurves) throw refuse('its curves are damaged');
  return report as BenchReport;
}
