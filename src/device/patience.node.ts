/**
 * Waiting for Dawn without burning a processor core.
 *
 * While anything is pending, Dawn's binding for Node.js polls from the event loop without a pause. On
 * a software adapter that loop takes a core from the very work it waits for, so it is made to rest
 * each turn: next to nothing at first, so that a short wait is not made a long one, then longer while
 * it lasts, so that a training step keeps its cores.
 */

/** The first rests: a few make up a dispatch's own latency. */
const SHORTEST_MS = 0.02;
/** Long against a turn of the loop. */
const LONGEST_MS = 0.2;
/** A rest is this share of the wait so far, and adds no more than that to it. */
const SHARE = 1 / 16;

const cell = new Int32Array(new SharedArrayBuffer(4));
let waiting = 0;
let resting = false;
/** When somebody began to wait whom nobody was waiting before. */
let since = 0;

function rest(): void {
  resting = waiting > 0;
  if (!resting) return;
  const waited = performance.now() - since;
  Atomics.wait(cell, 0, 0, Math.max(SHORTEST_MS, Math.min(LONGEST_MS, SHARE * waited)));
  setImmediate(rest);
}

/** The promise's value; the event loop rests between its turns until it is there. */
export async function patiently<T>(work: Promise<T>): Promise<T> {
  if (waiting === 0) since = performance.now();
  waiting++;
  // One chain of rests, however many wait: each would lengthen every turn of the loop.
  if (!resting) {
    resting = true;
    setImmediate(rest);
  }
  try {
    return await work;
  } finally {
    waiting--;
  }
}
