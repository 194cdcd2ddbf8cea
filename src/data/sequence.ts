// Data points that are sequences.

/** What is known of data points that are sequences. */
export interface Sequence {
  /** Steps a second, if that is known. */
  readonly rate?: number;
  /** Headings of a table's columns, where there are several. */
  readonly channels?: readonly string[];
  /** Which series each window was cut from, and at which step; none of windows that were drawn apart. */
  readonly cuts?: { readonly series: Uint32Array; readonly start: Uint32Array };
}

/** Rows of a sequence's places. */
export function cutsAt(
  { cuts, ...rest }: Sequence,
  of: (values: Uint32Array) => Uint32Array,
): Sequence {
  return { ...rest, ...(cuts && { cuts: { series: of(cuts.series), start: of(cuts.start) } }) };
}
