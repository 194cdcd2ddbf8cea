// Files from the network, into memory and no larger than expected.
import { LatentGpuError } from '../errors.ts';

export interface DownloadOptions {
  /** The most bytes that are accepted. */
  limit: number;
  /** How long the other side may be silent. */
  timeoutMilliseconds: number;
  onProgress?: (receivedBytes: number, totalBytes: number | undefined) => void;
}

/**
 * Downloads a file into memory.
 *
 * @throws LatentGpuError `io` with one short reason: no answer in time, an HTTP error, too large
 */
export async function download(address: string, options: DownloadOptions): Promise<Uint8Array> {
  const { limit, timeoutMilliseconds, onProgress } = options;
  const failed = (why: string) => new LatentGpuError('io', `${address}: ${why}`);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMilliseconds);
  const chunks: Uint8Array[] = [];
  let received = 0;
  try {
    const response = await fetch(address, { signal: abort.signal });
    if (!response.ok || !response.body) throw failed(`HTTP status ${response.status}`);
    const announced = Number(response.headers.get('content-length'));
    const total = announced > 0 ? announced : undefined;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      timer.refresh();
      received += chunk.length;
      if (received > limit) throw failed(`larger than ${limit} bytes`);
      chunks.push(chunk);
      onProgress?.(received, total);
    }
    if (total !== undefined && received < total && !response.headers.has('content-encoding')) {
      throw failed(`ended after ${received} of ${total} bytes`);
    }
  } catch (cause) {
    if (cause instanceof LatentGpuError) throw cause;
    if (abort.signal.aborted) throw failed(`no answer in ${timeoutMilliseconds / 1000} s`);
    throw failed(reason(cause));
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
  const bytes = new Uint8Array(received);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** `fetch` hides the reason (no such host, connection refused) in the error's cause. */
function reason(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
}
