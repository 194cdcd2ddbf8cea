// The kernels of a program as WGSL: of every node that has memory of its own. What lies between is computed
// where it is read: functions of numbers, and views, which are other places in the same memory.
import type { ProgramKernel } from '../../sampler/program/format.ts';
import { memoryOf, type Node } from '../../sampler/program/nodes.ts';
import type { Shape } from '../../sampler/program/shapes.ts';
import { EXPRESSIONS } from './expressions.ts';

/** Buffers that a kernel may bind beside its result. */
const MOST_OPERANDS = 7;
/** Places that take more letters than so many are those of memory. */
const MOST_LETTERS = 200;
/** Ops that are loops, whose operands lie in memory. */
const LOOPS = ['linear', 'patches', 'overlap', 'solve', 'gru', 'lstm', 'assign', 'scatter'];
const REDUCTIONS = ['sum', 'max', 'logSumExp'];
const GIVEN = ['w', 'in', 'noise', 'state'];

/** A product of extents, of which one may count rows. */
const size = (shape: Shape): string => {
  const all = shape.reduce((a, b) => a * b, 1);
  return all < 0 ? `${-all}u*n` : `${all}u`;
};

/** Steps of axes, none along those of one element. */
const stepsOf = (shape: Shape): (string | undefined)[] =>
  shape.map((extent, axis) => (extent === 1 ? undefined : size(shape.slice(axis + 1))));

/** Σ over axes of the coordinate of element `i` times a step. */
function placed(i: string, shape: Shape, steps: readonly (string | undefined)[]): string {
  const terms = shape.flatMap((extent, axis) => {
    if (extent === 1 || !steps[axis]) return [];
    return [`${coordinate(i, shape, axis)}*(${steps[axis]})`];
  });
  return `(${terms.join('+') || '0u'})`;
}

function coordinate(i: string, shape: Shape, axis: number): string {
  const after = size(shape.slice(axis + 1));
  const inner = after === '1u' ? i : `(${i}/(${after}))`;
  // The first of the axes needs no remainder.
  return size(shape.slice(0, axis)) === '1u' ? inner : `(${inner}%(${size([shape[axis]!])}))`;
}

/** Whether rows of an operand are whole quads. */
const isQuads = (shape: Shape) => shape.at(-1)! > 0 && shape.at(-1)! % 4 === 0;

/** Writes kernels; who has memory is found on the way. */
export class Writer {
  readonly #nodes: readonly Node[];
  readonly #kept = new Set<number>();

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
    const users = new Uint32Array(nodes.length);
    nodes.forEach(({ op, inputs }, i) => {
      for (const input of inputs) {
        users[input]!++;
        if (LOOPS.includes(op)) this.keep(input);
      }
      if (LOOPS.includes(op) || REDUCTIONS.includes(op) || GIVEN.includes(op)) this.#kept.add(i);
    });
    // What several read is computed once.
    nodes.forEach(({ op }, i) => {
      if (users[i]! > 1 && (Object.hasOwn(EXPRESSIONS, op) || op === 'concat')) this.#kept.add(i);
    });
  }

  /** Gives a node memory: itself, or what it is another shape of. */
  keep(i: number): void {
    this.#kept.add(memoryOf(this.#nodes, i));
  }

  has(i: number): boolean {
    return this.#kept.has(i);
  }

  /** The kernel of a node; what it reads that has no kernel yet may have to have one. */
  kernel(target: number): ProgramKernel {
    for (;;) {
      const made = this.#written(target);
      if (made[1].length <= MOST_OPERANDS) return made;
      const { inputs } = this.#nodes[target]!;
      if (inputs.every((input) => this.has(memoryOf(this.#nodes, input))))
        throw new Error('too many operands');
      for (const input of inputs) this.keep(input);
    }
  }

  #written(target: number): ProgramKernel {
    const operands: number[] = [];
    const { op, inputs, rest, shape } = this.#nodes[target]!;
    /** An element of memory. */
    const load = (node: number, i: string): string => {
      const own = memoryOf(this.#nodes, node);
      if (!operands.includes(own)) operands.push(own);
      return `a${operands.indexOf(own)}[${i}]`;
    };
    const at = (node: number, i: string): string => this.#at(node, i, target, load);
    const [x, w, bias, start] = inputs as [number, number, number, number];
    const of = this.#nodes[x]?.shape ?? [];
    const bodies: Record<string, () => string> = {
      linear: () => {
        const matrix = this.#nodes[w]!.shape;
        const terms = of.at(-1)!;
        // One matrix for all rows, or one for each that stand together.
        const own = matrix.length > 2 ? shape.slice(-2, -1) : shape.slice(0, -1);
        const rows = size(own);
        const columns = size(shape.slice(-1));
        const count = isQuads(of) ? `${terms / 4}u` : size([terms]);
        const each = [0, 1, 2, 3];
        const sum = isQuads(of)
          ? (k: number) => `dot(v,${load(x, `x${k}+k`)})`
          : (k: number) => `v*${load(x, `x${k}+k`)}`;
        return `let t=(${rows}+3u)/4u;let c=i%(${columns});let q=i/(${columns});let m=q/t;
${each.map((k) => `let r${k}=m*(${rows})+min(q%t*4u+${k}u,${rows}-1u);let x${k}=r${k}*(${count});var s${k}=0.0;`).join('')}
let w0=(m*(${matrix.length > 2 ? columns : '0u'})+c)*(${count});
for(var k=0u;k<${count};k++){let v=${load(w, 'w0+k')};${each.map((k) => `s${k}+=${sum(k)};`).join('')}}
${each.map((k) => `y[r${k}*(${columns})+c]=s${k};`).join('')}`;
      },
      patches: () => {
        const [tall, wide, stride, dilation, top, left]: Shape = rest[0]!;
        const [, height, width, channels] = of.map((extent) => size([extent]));
        return `let c=i%${channels};let p=i/${channels};let tap=i32(p%${tall! * wide!}u);
let row=i32(${coordinate('i', shape, 1)})*${stride}+tap/${wide}*${dilation}-${top};
let column=i32(${coordinate('i', shape, 2)})*${stride}+tap%${wide}*${dilation}-${left};
let b=${coordinate('i', shape, 0)};
var v=0.0;if(row>=0&&row<i32(${height})&&column>=0&&column<i32(${width})){v=${load(x, `((b*${height}+u32(row))*${width}+u32(column))*${channels}+c`)};}
y[i]=v;`;
      },
      overlap: () => {
        const [tall, wide, stride, dilation, top, left]: Shape = rest[0]!;
        const [, down, across, all] = of.map((extent) => size([extent]));
        const channels = shape[3];
        return `let c=i%${channels}u;let b=${coordinate('i', shape, 0)};var s=0.0;
for(var tap=0;tap<${tall! * wide!};tap++){let row=i32(${coordinate('i', shape, 1)})+${top}-tap/${wide}*${dilation};
let column=i32(${coordinate('i', shape, 2)})+${left}-tap%${wide}*${dilation};
if(row>=0&&column>=0&&row%${stride}==0&&column%${stride}==0&&row/${stride}<i32(${down})&&column/${stride}<i32(${across})){
s+=${load(x, `((b*${down}+u32(row/${stride}))*${across}+u32(column/${stride}))*${all}+u32(tap)*${channels}u+c`)};}}
y[i]=s;`;
      },
      scatter: () => {
        const rows = this.#nodes[bias]!.shape;
        const width = size(rows.slice(1));
        return `y[u32(${load(w, `i/(${width})`)})*(${width})+i%(${width})]=${load(bias, 'i')};`;
      },
      solve: () => {
        const [, height, width, channels] = shape as unknown as number[];
        const kernel = this.#nodes[w]!.shape[1]!;
        const taps = kernel * kernel;
        const half = kernel >> 1;
        const all = height! * width! * channels!;
        const isReversed = Number(rest[0]);
        const place = (p: string) => `i*${all}u+${isReversed ? `${all - 1}u-(${p})` : p}`;
        const weight = (tap: string, seen: string) => {
          const index = `(c*${taps}u+${tap})*${channels}u+${seen}`;
          return load(w, isReversed ? `${channels! * taps * channels! - 1}u-(${index})` : index);
        };
        return `for(var p=0u;p<${all}u;p++){let c=p%${channels}u;let column=i32(p/${channels}u%${width}u);let row=i32(p/${channels! * width!}u);
var s=${load(x, place('p'))};
for(var tap=0u;tap<${(taps + 1) / 2}u;tap++){let r=row+i32(tap/${kernel}u)-${half};let q=column+i32(tap%${kernel}u)-${half};
if(r<0||q<0||q>=${width}){continue;}
let end=select(${channels}u,c,tap==${(taps - 1) / 2}u);
for(var d=0u;d<end;d++){s-=${weight('tap', 'd')}*y[${place(`(u32(r)*${width}u+u32(q))*${channels}u+d`)}];}}
y[${place('p')}]=s/${weight(`${(taps - 1) / 2}u`, 'c')};}`;
      },
    };
    for (const name of ['gru', 'lstm']) {
      bodies[name] = () => {
        const gates = name === 'gru' ? 3 : 4;
        const hidden = this.#nodes[w]!.shape[1]!;
        const [, states, width] = shape as unknown as number[];
        const each = Array.from({ length: gates }, (_, q) => q);
        const given = (q: number) => load(x, `f+${q * hidden}u`);
        const sigmoid = (v: string) => `sigmoid(vec4f(${v})).x`;
        const tanh = (v: string) => `tanh4(vec4f(${v})).x`;
        const next =
          name === 'gru'
            ? `let v=${tanh(`${given(2)}+${sigmoid(`${given(0)}+t0`)}*t2`)};y[e]=v+${sigmoid(`${given(1)}+t1`)}*(y[h+j]-v);`
            : `let v=${sigmoid(`${given(1)}+t1`)}*y[h+${hidden}u+j]+${sigmoid(`${given(0)}+t0`)}*${tanh(`${given(2)}+t2`)};y[e+${hidden}u]=v;y[e]=${sigmoid(`${given(3)}+t3`)}*${tanh('v')};`;
        return `for(var k=0u;k<${width}u;k++){y[i*${states! * width!}u+k]=${load(start, `i*${width}u+k`)};}
for(var t=0u;t<${states! - 1}u;t++){let h=(i*${states}u+t)*${width}u;
for(var j=0u;j<${hidden}u;j++){let f=(i*${states! - 1}u+t)*${gates * hidden}u+j;let e=h+${width}u+j;
${each.map((q) => `var t${q}=${load(bias, `${q * hidden}u+j`)};`).join('')}
for(var k=0u;k<${hidden}u;k++){let v=y[h+k];${each.map((q) => `t${q}+=${load(w, `(${q * hidden}u+j)*${hidden}u+k`)}*v;`).join('')}}
${next}}}`;
      };
    }
    const reduction = (): string => {
      const axes: Shape = rest[0]!;
      const inner = of.map((extent, axis) => (axes.includes(axis) ? extent : 1));
      const steps = stepsOf(of);
      const loop = (then: string) =>
        `for(var k=0u;k<${size(inner)};k++){let p=${placed('i', shape, steps)}+${placed('k', inner, steps)};let v=${at(x, 'p')};${then}}`;
      if (op === 'sum') return `var s=0.0;${loop('s+=v;')}y[i]=s;`;
      const most = `var s=-3e38;${loop('s=max(s,v);')}`;
      return op === 'max'
        ? `${most}y[i]=s;`
        : `${most}var e=0.0;${loop('e+=exp(v-s);')}y[i]=s+log(e);`;
    };
    const body =
      bodies[op]?.() ?? (REDUCTIONS.includes(op) ? reduction() : `y[i]=${at(target, 'i')};`);
    // Rows of images and of sequences are gone through by an invocation each.
    const over =
      op === 'scatter'
        ? this.#nodes[bias]!.shape
        : ['solve', 'gru', 'lstm'].includes(op)
          ? shape.slice(0, 1)
          : shape;
    const isEach = op === 'linear' && this.#nodes[w]!.shape.length > 2;
    const tall = isEach ? shape.slice(-2, -1) : shape.slice(0, -1);
    const wide = isEach ? [...shape.slice(0, -2), shape.at(-1)!] : shape.slice(-1);
    const isLinear = op === 'linear';
    const count = isLinear ? `(${size(tall)}+3u)/4u*${size(wide)}` : size(over);
    return [
      target,
      operands,
      isLinear ? [tall, wide] : [[1], over],
      isLinear && isQuads(of) ? 4 : 1,
      `if(i>=${count}){return;}${body.replaceAll('\n', '')}`,
    ];
  }

  /** The number at a place of any node. */
  #at(node: number, i: string, target: number, load: (node: number, i: string) => string): string {
    const { op, inputs, rest, shape } = this.#nodes[node]!;
    if (node !== target) {
      if (i.length > MOST_LETTERS && op !== 'c') this.keep(node);
      if (this.has(memoryOf(this.#nodes, node)) && memoryOf(this.#nodes, node) !== target)
        return load(node, i);
    }
    const at = (input: number, place: string) => this.#at(input, place, target, load);
    const [x, index] = inputs as [number, number];
    const of = this.#nodes[x]?.shape ?? [];
    /** The element of an operand that is repeated along axes. */
    const repeated = (input: number): string => {
      const from = this.#nodes[input]!.shape;
      if (size(from) === size(shape)) return at(input, i);
      const steps = stepsOf(from);
      const lead = shape.length - from.length;
      return at(
        input,
        placed(
          i,
          shape,
          shape.map((_, axis) => steps[axis - lead]),
        ),
      );
    };
    switch (op) {
      case 'c':
        return `f32(${rest[0]})`;
      case 'reshape':
        return at(x, i);
      case 'expand':
        return repeated(x);
      case 'transpose': {
        const steps = stepsOf(of);
        const order: Shape = rest[0]!;
        return at(
          x,
          placed(
            i,
            shape,
            order.map((axis) => steps[axis]),
          ),
        );
      }
      case 'slice': {
        const [axis, start] = rest as readonly number[] as [number, number];
        const first = start ? size([start, ...of.slice(axis + 1)]) : '0u';
        return at(x, `(${placed(i, shape, stepsOf(of))}+${first})`);
      }
      case 'concat': {
        const [axis] = rest as readonly number[] as [number];
        let before = 0;
        let text = '';
        let end = '';
        inputs.forEach((part, k) => {
          const own = this.#nodes[part]!.shape;
          const steps = own.map((_, a) => size(own.slice(a + 1)));
          const first = before ? `-${size([before, ...own.slice(axis + 1)])}` : '';
          const value = at(part, `(${placed(i, shape, steps)}${first})`);
          before += own[axis]!;
          if (k === inputs.length - 1) text += value;
          else {
            text += 'select(';
            end = `,${value},${coordinate(i, shape, axis)}<${size([before])})${end}`;
          }
        });
        return text + end;
      }
      case 'gather': {
        const width = size(shape.slice(1));
        return at(x, `(u32(${at(index, `(${i}/(${width}))`)})*(${width})+${i}%(${width}))`);
      }
      case 'pick': {
        const width = size(shape.slice(-1));
        return at(x, `(${i}/(${width})*(${width})+u32(${at(index, `(${i}%(${width}))`)}))`);
      }
      default:
        return (EXPRESSIONS[op] as (...x: string[]) => string)(
          ...inputs.map((input) => `(${repeated(input)})`),
        );
    }
  }
}
