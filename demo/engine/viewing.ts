// What the visitor asks of the views: where they look, and what from.
import type { Request } from '../protocol.ts';
import type { Looks } from './looks.ts';
import type { Pace } from './pace.ts';
import type { Views } from './views.ts';

const KINDS = ['plane', 'point', 'interpolate', 'shuffle', 'drawing', 'pick'] as const;

export type ViewRequest = Extract<Request, { type: (typeof KINDS)[number] }>;

export const isAboutViews = (request: Request): request is ViewRequest =>
  (KINDS as readonly Request['type'][]).includes(request.type);

/** Whom a request concerns. */
interface Viewing {
  readonly views: Views | undefined;
  readonly looks: Looks;
  readonly pace: Pace;
  /** Nothing can be computed: what is asked for is remembered for later. */
  readonly isStranded: boolean;
}

export async function view(
  request: ViewRequest,
  { views, looks, pace, isStranded }: Viewing,
): Promise<void> {
  switch (request.type) {
    case 'plane':
      views?.setPlane(request.choice, request.manifold);
      if (!isStranded) looks.begin(views);
      return;
    case 'point':
      pace.attend();
      views?.setPoint(request.at);
      if (!isStranded) await views?.showPoint();
      return;
    case 'interpolate':
      views?.setEnds(request.from, request.to);
      if (!isStranded) await views?.showInterpolation();
      return;
    case 'shuffle':
      views?.shuffle();
      if (isStranded) return;
      await views?.showReconstructions();
      return views?.showInterpolation();
    case 'drawing':
      pace.attend();
      views?.setDrawing(request);
      if (!isStranded) await views?.showDrawing();
      return;
    case 'pick':
      return views?.pick(request.row);
  }
}
