/**
 * Waiting for Dawn without burning a processor core.
 *
 * While anything is pending, Dawn's binding for Node.js polls from the event loop without a pause. On
 * a software adapter that loop takes a core from the very work it waits for, so it is made to rest a
 * fraction of a millisecond a turn.
 */

/** Short against a dispatch's latency, long against a turn of the loop. */
const REST_MILLISECONDS = 0.2;

const cell = new Int32Array(new SharedArrayBuffer(4));
let waiting = 0;

function rest(): void {
  if (waiting === 0) return;
  Atomics.wait(cell, 0, 0, REST_MILLISECONDS);
  setImmediate(rest);
}

/** The promise's value; the event loop rests between its turns until it is there. */
export async function patiently<T>(work: Promise<T>): Promise<T> {
  if (waiting++ === 0) setImmediate(rest);
  try {
    return await work;
  } finally {
    waiting--;
  }
}
