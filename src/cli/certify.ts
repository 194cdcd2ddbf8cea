// latentgpu certify: does a flow keep its promises?
import { type Command, InvalidArgumentError, Option } from 'commander';
import { certifyFlow, need } from '../models/index.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  runCommand,
} from './common/command.ts';
import { loadModel, withModel } from './common/device.ts';
import { EXIT } from './common/failure.ts';
import { table } from './common/text.ts';

/** Features beyond which fewer points are tried by default. */
const MANY = 64;
const POINTS = { few: 20, many: 2 } as const;
/** Digits of a log-determinant that float32 keeps through a stack of layers. */
const RELATIVE = 1e-5;

interface CertifyOptions extends CommonOptions {
  points?: number;
  tolerance: number;
}

export function certifyCommand(program: Command): void {
  const command = program
    .command('certify')
    .description(
      'Tries a flow at draws of its noise: whether its inverse undoes it, and whether its log-determinants are those of the Jacobians that automatic differentiation finds.',
    )
    .argument('<dir>', 'model folder')
    .addOption(
      countOption(
        '--points <n>',
        `default: ${POINTS.few}; ${POINTS.many} of more than ${MANY} features, whose Jacobians are large`,
      ),
    )
    .addOption(
      new Option('--tolerance <t>', 'largest error that is let pass')
        .argParser(positive)
        .default(1e-3),
    )
    .action((dir: string, options: CertifyOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    )
    .addHelpText(
      'after',
      '\nErrors of values are relative to the largest where that is above 1; those of a\n' +
        'log-determinant are in nats, and may be 1e-5 of it where that is more. Exit code\n' +
        '1 if one is larger. A logit between the layers and the data is left out.',
    );
  common(command, 'latentgpu certify runs/moons-realnvp --points 50');
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0, such as 1e-3');
}

async function perform(dir: string, options: CertifyOptions, context: Context): Promise<void> {
  const began = performance.now();
  const { out, signal, seed = 0 } = context;
  const { tolerance } = options;
  const loaded = await loadModel(dir, out);
  const { model } = loaded;
  need(model, 'bijection', dir);
  const points = options.points ?? (model.features > MANY ? POINTS.many : POINTS.few);
  await withModel(loaded, async (runtime, device) => {
    const found = await out.progress('certifying', (bar) =>
      certifyFlow(runtime, model, points, seed, {
        signal,
        onProgress: (fraction) => bar.update(fraction),
      }),
    );
    const nats = Math.max(tolerance, RELATIVE * found.largestLogDet);
    const checks = [
      ['inverse(forward(z)) = z', found.inversion, tolerance],
      ['forward(inverse(x)) = x', found.reinversion, tolerance],
      ['log det + log det of the inverse = 0', found.logDetSum, nats],
      ['log det = that of the autodiff Jacobian', found.logDet, nats],
    ] as const;
    const holds = checks.every(([, error, most]) => error === null || error <= most);
    const seconds = Number(((performance.now() - began) / 1000).toFixed(3));
    const verdict = (error: number | null, most: number) =>
      error === null
        ? 'not computed'
        : `${error.toExponential(2)}  ${error <= most ? 'holds' : 'fails'} (${most.toExponential(0)})`;
    out.result(
      {
        folder: dir,
        holds,
        ...found,
        tolerance,
        logDetTolerance: nats,
        seed,
        adapter: device.adapter.name,
        seconds,
      },
      table([
        ...checks.map(([what, error, most]) => [what, verdict(error, most)]),
        ['points', String(points)],
        ['adapter', device.adapter.name],
        ['time', `${seconds.toFixed(1)} s`],
      ]),
    );
    if (found.remark !== undefined) out.remark(found.remark);
    if (!holds) process.exitCode = EXIT.failure;
  });
}
