// The public reference as the compiler sees it: what is exported, what is said of it, and whether examples type-check.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript5';
import { ROOT } from './cli.ts';

const REFERENCE = join(ROOT, 'docs/reference');
/** What the reference is made of. */
const ENTRIES: readonly string[] = JSON.parse(
  readFileSync(join(REFERENCE, 'typedoc.json'), 'utf8'),
).entryPoints;
/** A file that is nowhere but in the program: every example as a function. */
const EXAMPLES = join(ROOT, 'tests/examples.virtual.ts');

export interface Described {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly example: string | undefined;
}

/** What examples take as given. */
const GIVEN = `
declare const device: Device, runtime: Runtime, trainer: Trainer, model: Vae, training: TrainingConfig;
declare const data: ImageDataset, rows: RowSource, batch: Batch, effects: readonly Tensor[];
declare const x: Tensor, images: Tensor, index: Tensor, loss: Tensor, reconstruction: Tensor, kl: Tensor;
declare const bytes: Uint8Array, downloaded: Uint8Array, imageBytes: Uint8Array, labelBytes: Uint8Array;
declare const encoder: nn.MLP, made: nn.MADE, pixelCnn: nn.PixelCnn, noise: Float32Array, latent: number, M: number;
declare const maf: flows.Bijection, maf2: flows.Bijection, reversal: flows.Bijection;
declare const flow: flows.Flow, dequantizer: flows.VariationalDequantizer;
declare const lossOf: (batch: Batch) => { loss: Tensor }, lossGiven: (own: Tensor, x: Tensor) => Tensor;
declare const MyModel: new (latent: number, shape: readonly number[]) => Vae;
/** What is left out, as … */
declare const rest: any;
`;
const TYPES = ['Batch', 'ImageDataset', 'RowSource', 'TrainingConfig'];

const PATH = join(ROOT, 'tsconfig.json');
const OPTIONS: ts.CompilerOptions = {
  ...ts.parseJsonConfigFileContent(ts.readConfigFile(PATH, ts.sys.readFile).config, ts.sys, ROOT)
    .options,
  // As most programs have them.
  noUncheckedIndexedAccess: false,
  noUnusedLocals: false,
};

/** Files that both programs below have in common are read once. */
const files = new Map<string, ts.SourceFile | undefined>();
function sharingHost(): ts.CompilerHost {
  const host = ts.createCompilerHost(OPTIONS);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...how) => {
    if (!files.has(name)) files.set(name, read(name, ...how));
    return files.get(name);
  };
  return host;
}

/** Every function and class that the entries export, at the top or in a namespace. */
export function publicSymbols(): Described[] {
  const names = ENTRIES.map((entry) => join(REFERENCE, entry));
  const program = ts.createProgram(names, OPTIONS, sharingHost());
  const checker = program.getTypeChecker();
  const seen = new Set<ts.Symbol>();
  const isCallable = (at: ts.Declaration) =>
    ts.isFunctionDeclaration(at) ||
    ts.isClassDeclaration(at) ||
    (ts.isVariableDeclaration(at) && checker.getTypeAtLocation(at).getCallSignatures().length > 0);
  const found = (exported: ts.Symbol): Described[] => {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
    if (seen.has(symbol)) return [];
    seen.add(symbol);
    if (symbol.flags & (ts.SymbolFlags.NamespaceModule | ts.SymbolFlags.ValueModule)) {
      return checker.getExportsOfModule(symbol).flatMap(found);
    }
    const declaration = symbol.declarations?.find(isCallable);
    if (!declaration) return [];
    const tags = symbol.getJsDocTags(checker);
    const example = tags.find(({ name }) => name === 'example')?.text;
    const text = ts.displayPartsToString(symbol.getDocumentationComment(checker));
    return [
      {
        name: symbol.name,
        file: declaration.getSourceFile().fileName,
        text: text.replace(FENCE, '').trim(),
        example: (example ? ts.displayPartsToString(example) : FENCE.exec(text)?.[1])?.trim(),
      },
    ];
  };
  return names.flatMap((name) => {
    const file = program.getSourceFile(name);
    const symbol = file && checker.getSymbolAtLocation(file);
    return symbol ? checker.getExportsOfModule(symbol).flatMap(found) : [];
  });
}

/** An example of several lines. */
const FENCE = /```(?:ts|js)\n([^`]*)```/;

/** What the compiler objects to in examples, `NAME: message`; `imports` names what they have without saying so. */
export function typeErrors(
  examples: readonly Described[],
  imports: Readonly<Record<string, readonly string[]>>,
): string[] {
  const head = Object.entries(imports)
    .map(([from, names]) => `import { ${names.join(', ')} } from '${from}';`)
    .join('\n');
  const types = TYPES.map((name) => `type ${name}`).join(', ');
  const starts: number[] = [];
  let text = `${head}\nimport { ${types} } from '../src/node.ts';\n${GIVEN}`;
  for (const { example = '' } of examples) {
    starts.push(text.length);
    const body = example.replace(/^export /gm, '').replaceAll('…', '...rest');
    text += `\nasync () => {\n${body}\n};`;
  }
  const host = sharingHost();
  const shared = host.getSourceFile;
  host.getSourceFile = (name, ...how) =>
    name === EXAMPLES ? ts.createSourceFile(name, text, how[0]) : shared(name, ...how);
  const program = ts.createProgram([EXAMPLES], OPTIONS, host);
  const file = program.getSourceFile(EXAMPLES);
  const errors = [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ];
  return errors.map(({ start = 0, messageText }) => {
    const at = starts.findLastIndex((from) => from <= start);
    const name = examples[at]?.name ?? 'what is given';
    return `${name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

/** JavaScript of a function that runs an example and returns what each line `EXPRESSION // VALUE` made, and was to. */
export function runnable(example: string): string | undefined {
  let count = 0;
  const lines = example.split('\n').map((line) => {
    const [, code, value] = /^(?!const |\s|\}|if )(.+?);? \/\/ (.+)$/.exec(line) ?? [];
    if (!code || !value || !isJson(value)) return line;
    count++;
    return `told.push([${code}, ${value}]);`;
  });
  if (count === 0) return undefined;
  const text = `(async () => {\nconst told = [];\n${lines.join('\n')}\nreturn told;\n})`;
  return ts.transpile(text, { target: ts.ScriptTarget.ES2022 }).replace(/;\s*$/, '');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
