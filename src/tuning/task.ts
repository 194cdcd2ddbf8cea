// What the tuner is given: kernels as text, without a word of the graph they come from.
import type { BindingKind } from '../device/index.ts';

export interface CandidateBinding {
  readonly kind: BindingKind;
  /** Bytes at which the binding starts in its memory, and which it spans. */
  readonly offset: number;
  readonly size: number;
  /** Of the whole memory. */
  readonly memoryBytes: number;
  readonly type: 'f32' | 'f16' | 'u32' | 'u8';
  /** Bindings of the same memory have the same number. */
  readonly memory: number;
}

export interface Candidate {
  readonly label: string;
  readonly code: string;
  readonly bindings: readonly CandidateBinding[];
  readonly dispatch: readonly [number, number, number];
}

/** A class of kernels and what each of its kernels could be. */
export interface TuningTask {
  readonly key: string;
  /** What one of its kernels computes, for people. */
  readonly label: string;
  /** Of all its kernels in a step: the dearest are measured first. In any unit. */
  readonly cost: number;
  /** Names, the default first. */
  readonly variants: readonly string[];
  /** Whether each variant cuts the result into other parts, so that only their fold is the same. */
  readonly inParts?: boolean;
  make(variant: string): Candidate;
}
