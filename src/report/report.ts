// All that is known of a model, as one page: what an evaluation finds, what its views show, what its
// folder tells.
import { LIKELIHOOD_ROWS } from '../constants.ts';
import { logScales } from '../data/standardize.ts';
import {
  type Evaluation,
  evaluateModel,
  examine,
  openInference,
  principalAngles,
  type RowSource,
  type WorkOptions,
} from '../models/index.ts';
import { appearanceOf } from '../pictures/points.ts';
import type { Runtime } from '../scheduler/index.ts';
import type { LoadedModel } from '../training/model-folder.node.ts';
import { evaluationCard } from './evaluation-card.ts';
import { type Asking, contentOf } from './gather.ts';
import type { History } from './history.ts';
import { reportPage } from './page.ts';
import { type Portrait, portraitOf } from './portrait.ts';
import { cardSubjectOf, entropyOf, type Subject } from './subject.ts';
import { Scene } from './views/scene.ts';

/** Values of the data points in one picture, about, at most. */
const VALUES = 500_000;
/** Side of a plot in pixels: its numerals are to be read on a narrow page, too. */
const PLOT = 460;

export interface ReportRequest {
  readonly dir: string;
  readonly loaded: LoadedModel;
  readonly history: History | undefined;
  readonly subject: Subject | undefined;
  /** Those that the model was trained on, where its decoder is linear. */
  readonly trained?: { readonly rows: RowSource; readonly count: number } | undefined;
  /** What is missing, a sentence each. */
  readonly notes: readonly string[];
  readonly asking: Asking;
  /** This library's. */
  readonly version: string;
}

export interface Report {
  readonly page: string;
  readonly evaluation: Evaluation | undefined;
  /** Titles. */
  readonly pictures: readonly string[];
  /** The request's notes, and what could not be drawn. */
  readonly missing: readonly string[];
}

/** Does some work, telling how far it is. */
export type Progress = <T>(label: string, work: (options: WorkOptions) => Promise<T>) => Promise<T>;

/**
 * @param runtime that has the model's weights
 * @throws LatentGpuError `interrupted`, and whatever keeps a device from working
 */
export async function makeReport(
  runtime: Runtime,
  request: ReportRequest,
  progress: Progress,
): Promise<Report> {
  const { loaded, subject } = request;
  const evaluation =
    subject && (await progress('evaluating', (work) => evaluated(runtime, request, subject, work)));
  const portrait = await progress('drawing', (work) => drawn(runtime, request, evaluation, work));
  const { model, standardization } = loaded;
  const { seed } = request.asking;
  const likelihood =
    evaluation && evaluation.figures.length > 0
      ? evaluationCard(
          {
            evaluation,
            model,
            isBinary: subject.isBinary,
            entropy: model.can.logWeights && entropyOf(subject),
          },
          cardSubjectOf(subject, model, standardization, seed),
        )
      : undefined;
  const missing = [...request.notes, ...portrait.notes];
  const page = await reportPage(
    await contentOf({
      ...request,
      notes: missing,
      evaluation,
      portrait,
      likelihood,
      adapter: runtime.device.adapter.name,
    }),
  );
  return { page, evaluation, pictures: portrait.pictures.map(({ title }) => title), missing };
}

/** What `eval` finds with the same options. */
async function evaluated(
  runtime: Runtime,
  { loaded: { model, standardization }, asking, trained }: ReportRequest,
  { dataset, evaluated: rows }: Subject,
  work: WorkOptions,
): Promise<Evaluation> {
  const { samples = 0, limit = LIKELIHOOD_ROWS, curve = false, seed } = asking;
  const options = {
    ...work,
    seed,
    logScale: logScales(standardization, dataset, model.can.densityOf),
  };
  const evaluation = await evaluateModel(runtime, model, dataset, rows, {
    ...options,
    samples,
    likelihoodLimit: limit,
  });
  const more = await examine(runtime, model, rows, dataset.count, {
    ...options,
    curve,
    curveRows: limit,
  });
  // The curve is drawn.
  const figures = more.figures.filter(({ name }) => !name.startsWith('curve.'));
  const plane =
    trained && (await principalAngles(runtime, model, trained.rows, trained.count, work));
  return {
    ...evaluation,
    ...more,
    ...(plane && { principalAngles: plane.angles }),
    figures: [...evaluation.figures, ...figures],
  };
}

async function drawn(
  runtime: Runtime,
  { loaded, subject, asking: { seed } }: ReportRequest,
  evaluation: Evaluation | undefined,
  work: WorkOptions,
): Promise<Portrait> {
  const asked = openInference(runtime, loaded.model);
  try {
    const look = appearanceOf(loaded);
    const scene = new Scene({ asked, look, sitters: subject, seed, plot: PLOT, values: VALUES });
    return await portraitOf(scene, subject, evaluation, work);
  } finally {
    await asked.destroy();
  }
}
