// The parts of a program: how a model's codes are drawn, and its rows of codes, in data units.
import { LatentGpuError } from '../../errors.ts';
import type { Stage } from '../../flows/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { numberStreams, topological } from '../../graph/traverse.ts';
import { input, type Variable } from '../../graph/variable.ts';
import type { Model, Told, Walk } from '../../models/index.ts';
import { add, div, floor, maximum, minimum, mul, reshape } from '../../ops/index.ts';
import type { ProgramJson, ProgramPart, Streams } from '../../sampler/program/format.ts';
import { FIRST_STREAM_OF_CODES } from '../../streams.ts';
import type { CodeDensity } from '../../training/code-density.ts';
import type { OnnxSource } from '../onnx/source.ts';
import { noiseOf as codeNoise, fittedSources, ownSources } from './code-sources.ts';
import type { Lowering } from './lowering.ts';

/** A model, and what was fitted to its codes if they are to be drawn from that. */
export interface ProgramSource extends OnnxSource {
  readonly prior?: CodeDensity | undefined;
}

type Parts = Pick<ProgramJson, 'parts' | 'streams'>;
type Order = ProgramPart['order'];

/** A tensor's noise, in the order in which a plan of it numbers streams. */
function noiseOf(roots: readonly Tensor[], first?: number): Map<Tensor, number> {
  return numberStreams(topological(roots), first);
}

const whole = (out: number): ProgramPart => ({ legs: [], order: [], out });

export class PartBuilder {
  private readonly model: Model;
  private readonly source: ProgramSource;
  private readonly to: Lowering;
  private readonly rows: number;
  /** Means and deviations of the data, by name. */
  private readonly units = new Map<string, Variable>();

  constructor(source: ProgramSource, to: Lowering, rows: number) {
    this.source = source;
    this.model = source.model;
    this.to = to;
    this.rows = rows;
  }

  /** @throws LatentGpuError `bad-input` for a model that draws nothing, or by what the runtime has not */
  build(): Parts {
    const { can } = this.model;
    if (can.given) {
      const why = 'it is told columns of each row, and a page tells classes alone';
      throw new LatentGpuError('bad-input', why);
    }
    if (this.source.prior && !(can.decode && can.code && !can.bijection && !can.ancestral)) {
      const why = 'a page draws place after place, or from noise, by the prior of the model alone';
      throw new LatentGpuError('bad-input', `${why}; leave out --prior`);
    }
    if (can.bijection) return this.flow();
    if (can.ancestral) return this.walk();
    if (can.decode && can.code) return this.decoded();
    throw new LatentGpuError('bad-input', 'it neither draws nor decodes');
  }

  /** Codes of noise, and rows of codes. */
  private decoded(): Parts {
    const { to, rows } = this;
    const { code, decode, draw } = this.model.can;
    if (!code || !decode) throw new Error('asked of a model that decodes');
    const told = this.told();
    const z = input('z', [rows, code.size]);
    const mean = decode.mean(z, told);
    const drawn = decode.draw?.(z, told);
    to.input('z', z);
    const parts: Record<string, ProgramPart> = { mean: whole(to.value(this.inUnits(mean))) };
    if (drawn) parts.draw = whole(to.value(this.inUnits(drawn)));
    const outer = drawn ? [...noiseOf([drawn]).keys()] : [];
    const streams: Record<string, Streams> = {};
    if (drawn) streams.decoded = this.streamsOf(noiseOf([drawn]), outer);
    const { prior } = this.source;
    const sources = prior
      ? fittedSources(prior, to, rows)
      : draw
        ? ownSources(draw, code.size, to, rows)
        : [];
    for (const { part, prefix, make } of sources) {
      const codes = make();
      // What was fitted draws in a plan of its own, whose streams are others than the decoder's.
      const inner = noiseOf([codes], prior && FIRST_STREAM_OF_CODES);
      parts[part] = whole(to.value(codes));
      for (const shown of ['mean', 'draw'] as const) {
        if (shown === 'draw' && !decode.draw) continue;
        const all = noiseOf([decode[shown]?.(codes, told) as Tensor]);
        const key = prefix ? `${prefix}${shown === 'mean' ? 'Mean' : 'Draw'}` : shown;
        streams[key] = prior
          ? [
              ...this.streamsOf(inner, [], new Set(inner.keys())),
              ...(shown === 'draw' ? (streams.decoded ?? []) : []),
            ]
          : this.streamsOf(all, outer, new Set(inner.keys()));
      }
    }
    return { parts, streams };
  }

  /**
   * Streams of nodes: noise of the codes has nodes of its own, and what the decoder draws stands in the
   * same order whatever its codes come from.
   */
  private streamsOf(
    all: ReadonlyMap<Tensor, number>,
    outer: readonly Tensor[],
    inner: ReadonlySet<Tensor> = new Set(),
  ): Streams {
    let next = 0;
    return [...all].flatMap(([tensor, stream]): [number, number][] => {
      const own = inner.has(tensor) ? tensor : (outer[next++] as Tensor);
      // A distribution with no use for the noise that it is handed draws none of it.
      return this.to.has(own) ? [[this.to.operand(own), stream]] : [];
    });
  }

  /** Noise of the base through the pieces of a bijection. */
  private flow(): Parts {
    const { to, rows, model } = this;
    const flow = model.can.bijection?.flow;
    if (!flow) throw new Error('asked of a bijection');
    const { bijection, base } = flow;
    const heat = input('temperature', []);
    to.input('temperature', heat);
    const codes = base.draw([rows], { temperature: heat }).value;
    const all = noiseOf([codes]);
    const parts: Record<string, ProgramPart> = { codes: whole(to.value(codes)) };
    const z = input('z', [rows, model.features]);
    to.input('z', z);
    let value = reshape(z, [rows, ...bijection.shape]);
    const legs: Leg[] = [];
    for (const stage of bijection.stages('forward')) {
      const next = this.stage(stage, value);
      value = next.value;
      legs.push(...next.legs);
    }
    const x = this.inUnits(this.levelled(reshape(value, [rows, model.features])));
    parts.mean = this.steps(legs, x);
    return { parts, streams: { mean: this.streamsOf(all, [], new Set(all.keys())), decoded: [] } };
  }

  private stage(stage: Stage, value: Tensor): { value: Tensor; legs: readonly Leg[] } {
    if ('map' in stage) return { value: stage.map(value).value, legs: [] };
    const { start, step, steps, result } = stage.recur(value);
    return {
      value: result.value,
      legs: [
        { effects: start, times: 1 },
        { effects: step, times: steps },
      ],
    };
  }

  /** Place after place. */
  private walk(): Parts {
    const { to, rows, model } = this;
    const { ancestral, code, draw } = model.can;
    if (!ancestral) throw new Error('asked of a model that is drawn from in order');
    const order = input('order', [1], 'u32');
    to.input('order', order);
    const parts: Record<string, ProgramPart> = {};
    const streams: Record<string, Streams> = {};
    let codes: Variable | undefined;
    let inner: Streams = [];
    if (code && draw) {
      codes = input('z', [rows, code.size]);
      to.input('z', codes);
      const made = draw.codes(codeNoise(draw, code.size, to, rows));
      const all = noiseOf([made]);
      parts.codes = whole(to.value(made));
      inner = this.streamsOf(all, [], new Set(all.keys()));
    }
    const walk: Walk = ancestral.walk({
      rows,
      order,
      ...(codes && { codes }),
      ...this.told(),
    });
    const legs: Leg[] = [{ effects: walk.start, times: 1 }];
    for (let round = 0; round < walk.rounds; round++) legs.push(...walk.legs);
    parts.draw = this.steps(legs, this.inUnits(walk.result.x));
    const outer = walk.legs.flatMap(({ effects }) => {
      const all = noiseOf(effects);
      return this.streamsOf(all, [], new Set(all.keys()));
    });
    streams.draw = [...inner, ...outer];
    if (codes) streams.decoded = outer;
    return { parts, streams };
  }

  /** Legs, of which only that is kept which the result needs. */
  private steps(all: readonly Leg[], out: Tensor): ProgramPart {
    const { to } = this;
    const needed = new Set(topological([out]));
    const target = (effect: Tensor) => effect.attrs.target as Variable;
    const isKept = (effect: Tensor) => needed.has(target(effect));
    for (let size = -1; size !== needed.size; ) {
      size = needed.size;
      const kept = all.flatMap(({ effects }) => effects.filter(isKept));
      for (const node of topological(kept)) needed.add(node);
    }
    const kinds = [...new Set(all.map(({ effects }) => effects))];
    const writes = new Map<Variable, number>();
    for (const effect of kinds.flat())
      writes.set(target(effect), 1 + (writes.get(target(effect)) ?? 0));
    // What is set once, to numbers that are known, is a weight.
    const isFixed = (effect: Tensor) => {
      const [value] = effect.inputs as [Tensor];
      return writes.get(target(effect)) === 1 && effect.op.name === 'assign' && to.isKnown(value);
    };
    const fixed = kinds.flat().filter((effect) => isKept(effect) && isFixed(effect));
    to.values(fixed.map(({ inputs }) => inputs[0] as Tensor));
    for (const effect of fixed) to.bind(target(effect), to.operand(effect.inputs[0] as Tensor));
    const legs = kinds.map((effects) => {
      const moving = effects.filter((effect) => isKept(effect) && !isFixed(effect));
      for (const effect of moving) if (!to.has(target(effect))) to.state(target(effect));
      return moving;
    });
    const lowered = legs.map((effects) => {
      to.values(effects.flatMap(({ inputs }) => inputs));
      return effects.map((effect) => {
        const state = to.operand(target(effect));
        const [value, index] = effect.inputs.map((x) => to.operand(x)) as [number, number];
        if (effect.op.name === 'assign') return to.node('assign', [state, value]);
        return to.node('scatter', [state, index, value]);
      });
    });
    const order: Order = all.map(({ effects, times }) => [kinds.indexOf(effects), times]);
    return { legs: lowered, order, out: to.value(out) };
  }

  /** The classes of rows, of a conditional model. */
  private told(): Told {
    if (!this.model.can.condition) return {};
    const labels = input('labels', [this.rows], 'u32');
    this.to.input('labels', labels);
    return { labels };
  }

  /** Grey levels of what lies in [n, n + 1) / levels. */
  private levelled(x: Tensor): Tensor {
    const levels = this.model.can.grey?.levels;
    if (!levels) return x;
    const level = minimum(levels - 1, maximum(0, floor(mul(x, levels))));
    return div(level, levels - 1);
  }

  /** Rows in the unit of the data. */
  private inUnits(x: Tensor): Tensor {
    const { standardization } = this.source;
    if (!standardization) return x;
    const row = (values: ArrayLike<number>, name: string) => {
      const held = this.units.get(name) ?? input(name, [values.length]);
      if (!this.units.has(name)) {
        this.to.bind(held, this.to.weight(`standardize.${name}`, held, values));
        this.units.set(name, held);
      }
      return held;
    };
    return add(mul(x, row(standardization.std, 'std')), row(standardization.mean, 'mean'));
  }
}

interface Leg {
  readonly effects: readonly Tensor[];
  readonly times: number;
}
