// What a shader compiler says, told as compilers do: file:line:column, the line, a caret.
import { LINE_BREAK } from './wgsl/lines.ts';

/** A shader's text, and the name that messages call it by. */
export interface Shader {
  readonly label: string;
  readonly code: string;
}

/** One message of the compiler. Lines and columns count from 1; 0 where it names no place. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning' | 'info';
  readonly line: number;
  readonly column: number;
  /** Characters meant, from the column on. */
  readonly length: number;
  readonly message: string;
}

/** Characters of a long line that are shown on either side of the place. */
const REACH = 60;

/**
 * `saxpy.wgsl:3:9: error: unresolved value 'z'`, the source line, and a caret under what is meant.
 *
 * ```ts
 * const found = { severity: 'error', line: 0, column: 0, length: 0, message: 'no entry point' } as const;
 * formatDiagnostic({ label: 'sum.wgsl', code: '' }, found) // "sum.wgsl: error: no entry point"
 * ```
 */
export function formatDiagnostic({ label, code }: Shader, found: Diagnostic): string {
  const { severity, line, column, length, message } = found;
  const place = [line, column].filter((n) => n > 0).map((n) => `:${n}`);
  const head = `${label}${place.join('')}: ${severity}: ${message}`;
  const source = code.split(LINE_BREAK)[line - 1];
  if (source === undefined) return head;
  const gutter = ' '.repeat(String(line).length);
  if (column < 1) return `${head}\n  ${line} | ${source.slice(0, 2 * REACH)}`;
  // Of a line without end, what is meant and its neighbourhood.
  const from = source.length > 2 * REACH ? Math.max(0, column - 1 - REACH) : 0;
  const shown = source.slice(from, from + 2 * REACH);
  // Tabs stay tabs, so that the caret stands where the eye expects it.
  const before = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ');
  const caret = '^'.repeat(Math.max(1, Math.min(length, shown.length - before.length)));
  return `${head}\n  ${line} | ${shown}\n  ${gutter} | ${before}${caret}`;
}

/** Several messages, errors before what else there is. */
export function formatDiagnostics(shader: Shader, found: readonly Diagnostic[]): string {
  const rank = { error: 0, warning: 1, info: 2 };
  return [...found]
    .sort((a, b) => rank[a.severity] - rank[b.severity])
    .map((diagnostic) => formatDiagnostic(shader, diagnostic))
    .join('\n');
}
