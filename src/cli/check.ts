// latentgpu check: compiles anybody's WGSL on Dawn, in headless browsers, in Deno, and tells what it declares.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { lacksValue } from '../testing/compile.ts';
import { formatDiagnostic } from '../testing/diagnostics.ts';
import {
  type Binding,
  type Diagnostic,
  type HostKind,
  openHost,
  type Shader,
  type ShaderInfo,
} from '../testing/index.ts';
import { reflectPartly } from '../testing/reflect.ts';
import { readShaderFile, shaderText } from '../testing/shader-file.ts';
import { type Compiler, DAWN_COMMAND, openDawnApart, serveDawn } from './check-dawn.ts';
import { type Context, common, runCommand } from './common/command.ts';
import { EXIT } from './common/failure.ts';
import { table } from './common/text.ts';

interface CheckFlags {
  json?: boolean;
  quiet?: boolean;
  host: 'both' | 'all' | HostKind;
  set: Record<string, number>;
}

/** What several hosts are called together. */
const HOSTS: Readonly<Record<'both' | 'all', readonly HostKind[]>> = {
  both: ['dawn', 'chrome'],
  all: ['dawn', 'chrome', 'firefox', 'deno'],
};

/** A message with the hosts that gave it. */
type Found = Diagnostic & { hosts: HostKind[] };

interface Checked {
  readonly shader: Shader;
  /** Undefined if the text cannot be read, which need not mean that it is wrong. */
  readonly info: ShaderInfo | undefined;
  /** Names of bindings that cannot be read. */
  readonly unread: readonly string[];
  readonly found: Found[];
}

function mistake(message: string): LatentGpuError {
  return new LatentGpuError('bad-input', message);
}

function collectConstant(text: string, before: Record<string, number>): Record<string, number> {
  const [, name, typed] = /^([^\s=]+)=(.+)$/.exec(text) ?? [];
  // As WGSL writes it, too: 16u.
  const value = typed?.replace(/^(-?[\d.]+(?:e[+-]?\d+)?(?=[ufhi]$)|0x[\da-f]+(?=[ui]$)).$/i, '$1');
  const number = value === 'true' ? 1 : value === 'false' ? 0 : Number(value ?? Number.NaN);
  if (!name || !Number.isFinite(number)) {
    throw new InvalidArgumentError('It must read NAME=number, or NAME=true');
  }
  return { ...before, [name]: number };
}

/** The WGSL files below a folder, other people's packages left out. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') return [];
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(path);
      return entry.name.endsWith('.wgsl') ? [path] : [];
    });
}

/** Reads all that is asked for, before anything is started. */
function readShaders(paths: readonly string[]): Shader[] {
  return paths.flatMap((path) => {
    if (path === '-') {
      return [{ label: '<stdin>', code: shaderText(readFileSync(0), 'standard input') }];
    }
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found && /^[^\s=/\\]+=[^/\\]*$/.test(path)) {
      throw mistake(`${path} is not there; for an override, type --set ${path}`);
    }
    const files = found?.isDirectory() ? filesBelow(path) : [path];
    if (files.length === 0) throw mistake(`${path} holds no .wgsl file`);
    return files.map((file) => ({ label: file, code: readShaderFile(file, file) }));
  });
}

function inspect(shader: Shader, constants: Record<string, number>): Checked {
  try {
    const { info, unread } = reflectPartly(shader, constants);
    return { shader, info, unread: unread.map(({ name }) => name), found: [] };
  } catch {
    // The compiler will say more.
    return { shader, info: undefined, unread: [], found: [] };
  }
}

function refuseUnknown(constants: Record<string, number>, checked: readonly Checked[]): void {
  const known = checked.flatMap(({ info }) => info?.overrides.map(({ name }) => name) ?? []);
  for (const name of Object.keys(constants)) {
    if (known.includes(name) || checked.some(({ info }) => !info)) continue;
    const hint = known.length ? `; did you mean '${nearest(name, known)}'?` : '';
    throw mistake(`--set ${name}: no shader here has such an override${hint}`);
  }
}

/** What helps where the compiler's own words leave one alone. */
function withHint(diagnostic: Diagnostic): Diagnostic {
  const { message } = diagnostic;
  if (/extension '\w+' is not allowed/.test(message)) {
    return { ...diagnostic, message: `${message} (this adapter does not offer it)` };
  }
  if (lacksValue(message)) {
    return { ...diagnostic, message: `${message} (give it one with --set NAME=number)` };
  }
  return diagnostic;
}

/** What is said of a shader. One that brings the compiler down is no reason not to look at others. */
async function compile(
  host: Compiler,
  shader: Shader,
  constants: Record<string, number>,
): Promise<Diagnostic[]> {
  try {
    return (await host.compile(shader, { constants })).map(withHint);
  } catch (error) {
    if (!isLatentGpuError(error, 'device-lost')) throw error;
    // The label stands before the message anyhow.
    const message = error.message
      .replace(`${shader.label} was lost: `, '')
      .replace(`${shader.label} `, 'it ');
    return [{ severity: 'error', line: 0, column: 0, length: 0, message }];
  }
}

async function checkOn(
  kind: HostKind,
  checked: readonly Checked[],
  constants: Record<string, number>,
  { out }: Context,
): Promise<string> {
  const log = (line: string) => out.say(line);
  const host: Compiler =
    kind === 'dawn' ? await openDawnApart(log) : await openHost(kind, { features: 'all', log });
  try {
    await out.progress(`compiling on ${kind}`, async (bar) => {
      for (const [i, { shader, found }] of checked.entries()) {
        bar.update(i / checked.length, shader.label);
        for (const diagnostic of await compile(host, shader, constants)) {
          const same = found.find(
            ({ line, column, message }) =>
              line === diagnostic.line &&
              column === diagnostic.column &&
              message === diagnostic.message,
          );
          if (same) same.hosts.push(kind);
          else found.push({ ...diagnostic, hosts: [kind] });
        }
      }
    });
    return host.line;
  } finally {
    await host.close();
  }
}

const isBroken = ({ found }: Checked) => found.some(({ severity }) => severity === 'error');

function describeBinding({ group, binding, name, type, kind, access, size, layout }: Binding) {
  const open = layout?.kind === 'array' && layout.count === 0;
  const bytes = size === 0 ? '' : open ? `${size} B an element` : `${size} B`;
  const how = kind === 'storage' || access !== 'read' ? `${kind}, ${access}` : kind;
  return [`  @group(${group}) @binding(${binding})`, name, how, type, bytes];
}

function describeInfo({ entryPoints, bindings, overrides }: ShaderInfo): string[] {
  const entries = entryPoints.map(({ name, stage, workgroupSize }) => {
    const size = workgroupSize ? `, workgroup ${workgroupSize.join(' x ')}` : '';
    return `  @${stage} ${name}${size}`;
  });
  const constants = overrides.map(({ name, id, type }) => {
    return `  ${id === undefined ? '' : `@id(${id}) `}override ${name}${type ? `: ${type}` : ''}`;
  });
  if (entries.length === 0) entries.push('  no entry point');
  return [
    ...entries,
    ...(bindings.length ? [table(bindings.map(describeBinding))] : []),
    ...constants,
  ];
}

function describe(checked: Checked, hosts: readonly HostKind[], quiet: boolean): string[] {
  const { shader, info, unread, found } = checked;
  const lines = found.map((diagnostic) => {
    const some = diagnostic.hosts.length < hosts.length ? ` [${diagnostic.hosts}]` : '';
    const message = diagnostic.message + some;
    return formatDiagnostic(shader, { ...diagnostic, message });
  });
  if (quiet || isBroken(checked)) return lines;
  const told = info ? describeInfo(info) : ['  its declarations could not be read'];
  const dark = unread.map((name) => `  ${name}: where it lies takes a compiler to tell`);
  return [`${shader.label}: compiles`, ...lines, ...told, ...dark];
}

async function check(paths: readonly string[], flags: CheckFlags, context: Context): Promise<void> {
  const { out } = context;
  const checked = readShaders(paths).map((shader) => inspect(shader, flags.set));
  refuseUnknown(flags.set, checked);
  const kinds = HOSTS[flags.host as keyof typeof HOSTS] ?? [flags.host];
  const adapters: Partial<Record<HostKind, string>> = {};
  for (const kind of kinds) adapters[kind] = await checkOn(kind, checked, flags.set, context);
  const broken = checked.filter(isBroken).length;
  const files = `${checked.length} file${checked.length === 1 ? '' : 's'}`;
  const verdict = broken === 0 ? `${files}, all compile` : `${files}, ${broken} with errors`;
  const text = checked.flatMap((each) => describe(each, kinds, out.quiet));
  const report = {
    ok: broken === 0,
    adapters,
    files: checked.map((each) => ({
      file: each.shader.label,
      ok: !isBroken(each),
      diagnostics: each.found,
      entryPoints: each.info?.entryPoints ?? [],
      bindings: (each.info?.bindings ?? []).map(({ layout: _, ...binding }) => binding),
      overrides: each.info?.overrides ?? [],
    })),
  };
  out.result(report, [...text, ...(out.quiet ? [] : [verdict])].join('\n'));
  if (broken > 0) process.exitCode = EXIT.failure;
}

export function checkCommand(program: Command): void {
  program.command(DAWN_COMMAND, { hidden: true }).action(serveDawn);
  const command = program
    .command('check')
    .description(
      'Compiles WGSL on Dawn and in headless Chrome (compiler: Tint), or in headless Firefox and in ' +
        'Deno (compiler: naga), with a pipeline for each compute entry point ' +
        "within WebGPU's default limits. Prints errors and warnings, entry points, bindings and " +
        'overrides. Exits with 1 if a shader has errors, 2 if it could not be tried.',
    )
    .argument('<files...>', 'WGSL files, folders of them, or - for standard input')
    .addOption(
      new Option('--host <name>', 'where to compile')
        .choices(['both', ...HOSTS.all, 'all'])
        .default('both'),
    )
    .addOption(
      new Option('--set <name=value>', "an override's value; may be repeated")
        .argParser(collectConstant)
        .default({}, 'none'),
    )
    .action((files: string[], flags: CheckFlags) =>
      runCommand(flags, (context) => check(files, flags, context)),
    );
  common(command, 'latentgpu check kernels/*.wgsl --host dawn');
}
