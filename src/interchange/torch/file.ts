// A model as one Python file that trains it on any number of machines.
import type { Variable } from '../../graph/variable.ts';
import { familyOf, type Model, type ModelConfig, modelJson } from '../../models/index.ts';
import { functionsFor } from './functions.ts';
import { Holdings } from './holdings.ts';
import { lossMethod, startMethod } from './loss.ts';
import FILES from './python/files.py?raw';
import PARTS from './python/parts.py?raw';
import TRAIN from './python/train.py?raw';

export interface TorchSource {
  readonly config: ModelConfig;
  readonly model: Model;
  /** What belongs to the model beside its parameters. */
  readonly buffers?: ReadonlyMap<Variable, ArrayLike<number>>;
  /** Settled keys of the run that it comes from: defaults of the program. */
  readonly training?: Readonly<Record<string, unknown>>;
}

export interface TorchFile {
  readonly text: string;
  /** Names of tensors as the state_dict has them. */
  readonly tensors: readonly string[];
  /** What a run of it does otherwise than one of this library, a sentence each. */
  readonly notes: readonly string[];
}

const IMPORTS = `import argparse
import ast
import ctypes
import gzip
import json
import math
import os
import shlex
import time

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data.distributed import DistributedSampler
`;

const indent = (lines: readonly string[], by: number): string[] =>
  lines.flatMap((line) => line.split('\n')).map((line) => ' '.repeat(by) + line);

function notesOf({ learner, can }: Model, untold: readonly string[]): string[] {
  const notes: string[] = [];
  if ('sweep' in learner) {
    notes.push(
      'latentgpu learns this model by passes over the data that are settled in closed form; here a gradient is followed',
    );
  } else {
    if (learner.before)
      notes.push(
        'The pretraining, and what it found of single rows, is not part of this file: start from --weights that had it',
      );
    if (learner.tend)
      notes.push('What latentgpu does at the end of a pass is not part of this file');
  }
  if (learner.initial)
    notes.push(
      'First values that latentgpu finds in the data are not found here: start from --weights',
    );
  if (untold.length > 0)
    notes.push(`${untold.join(', ')} cannot be drawn here: start from --weights`);
  if (can.grey) notes.push('Data are grey levels, n of 255');
  return notes;
}

const titled = (text: string) => text[0]?.toUpperCase() + text.slice(1);

function docstring(
  { config }: TorchSource,
  takesLabels: boolean,
  version: string,
  notes: readonly string[],
): string {
  const { family, data } = config;
  const { title, about } = familyOf(family);
  const more = takesLabels ? ' --labels labels.npy' : '';
  return [
    `${title}, for PyTorch: ${about}.`,
    '',
    `Written by latentgpu ${version}. Rows are [${data.shape.join(', ')}]; the parameters have the names`,
    'and the layout of weights.safetensors, and `Model.loss(batch)` is the graph that latentgpu trains.',
    'Needs nothing but torch. On one machine, with as many processes as it has GPUs:',
    '',
    `    torchrun --nproc_per_node gpu model.py --data train.npy${more} --epochs 10`,
    '',
    'on several, the same on each of them, with the address of one:',
    '',
    '    torchrun --nnodes 2 --nproc_per_node gpu --rdzv_backend c10d --rdzv_endpoint HOST:29500 \\\\',
    `        model.py --data train.npy${more} --epochs 10 --checkpoint last.pt`,
    '',
    'and on one processor: python3 model.py --data train.npy. Back in latentgpu:',
    '',
    '    latentgpu import weights.safetensors --out runs/larger',
    ...notes.flatMap((note) => ['', ...wrapped(`${note}.`)]),
  ].join('\n');
}

function wrapped(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1] as string;
    if (last.length + word.length > 90) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

function defaults(training: Readonly<Record<string, unknown>> = {}): string {
  const read = (key: string) => training[key];
  const number = (value: unknown, otherwise: number | null) =>
    typeof value === 'number' ? String(value) : otherwise === null ? 'None' : String(otherwise);
  const schedule = read('schedule.kind') === 'cosine' ? 'cosine' : 'constant';
  const binarize = ['resampled', 'static'].find((kind) => kind === read('binarize')) ?? 'none';
  return [
    'DEFAULTS = {',
    `    "batch": ${number(read('batch'), 100)},`,
    `    "epochs": ${number(read('epochs'), 5)},`,
    `    "lr": ${number(read('optimizer.lr'), 1e-3)},`,
    `    "clip": ${number(read('clipNorm'), null)},`,
    `    "schedule": "${schedule}",`,
    `    "binarize": "${binarize}",`,
    '}',
  ].join('\n');
}

/**
 * A program that trains a model in PyTorch, of one file that needs nothing else.
 *
 * @param version of this library
 * @throws LatentGpuError `bad-input` for a graph that PyTorch has no expressions for
 */
export function torchFile(source: TorchSource, version: string): TorchFile {
  const { config, model, buffers, training } = source;
  const holdings = new Holdings(model, buffers);
  const loss = lossMethod(model, holdings);
  const start = startMethod(model, holdings);
  const notes = notesOf(model, holdings.untold);
  const takesLabels = loss.reads.includes('labels');
  const classes = takesLabels ? (config.data.classNames?.length ?? 0) : 0;
  const { family, data } = config;
  const className = 'class Model(Parts):';
  const text = [
    '#!/usr/bin/env python3',
    `"""${docstring(source, takesLabels, version, notes)}\n"""\n`,
    IMPORTS,
    `MODEL = r'''${modelJson(config, version).trim()}'''`,
    `SHAPE = (${data.shape.join(', ')}${data.shape.length === 1 ? ',' : ''})`,
    `FEATURES = ${model.features}`,
    `CLASSES = ${classes}`,
    `STANDARDIZED = ${data.standardized ? 'True' : 'False'}`,
    `# Parameters that are not drawn here.\nUNTOLD = [${holdings.untold.map((name) => `"${name}"`).join(', ')}]`,
    defaults(training),
    '',
    '',
    PARTS.trimEnd(),
    '',
    '',
    ...[functionsFor([...loss.helpers, ...(start?.helpers ?? [])])].flatMap((part) =>
      part === '' ? [] : [part, '', ''],
    ),
    className,
    `    """${titled(familyOf(family).title)}: \`batch\` has x [B, ${model.features}]${takesLabels ? ' and labels [B]' : ''}."""`,
    '',
    '    def __init__(self):',
    '        super().__init__()',
    ...indent(holdings.lines, 8),
    '',
    '    def terms(self, batch, noise=None):',
    '        """The loss, what is lowered in its place if there is such, and metrics: scalars."""',
    ...indent(loss.lines, 8),
    '',
    '    forward = terms',
    '',
    '    def loss(self, batch, noise=None):',
    '        return self.terms(batch, noise)["loss"]',
    '',
    '    @torch.no_grad()',
    '    def start(self, batch, noise=None):',
    '        """What is done once, with the first batch, before the first step."""',
    ...indent(start?.lines ?? ['pass'], 8),
    '',
    '',
    FILES.trimEnd(),
    '',
    '',
    TRAIN.trimEnd(),
    '',
  ].join('\n');
  const tensors = [...model.namedParameters(), ...model.namedBuffers()].map(([name]) => name);
  return { text, tensors, notes };
}
