/** A thin typed client for the HTTP contract: JSON in, JSON out, every refusal a `Problem`. */
import type { ProblemBody } from './types';

export const BASE = '/api/v1';

export type Query = Record<string, string | number | boolean | null | undefined>;
export type RequestOptions = { query?: Query; signal?: AbortSignal };

/** A refusal by the server, or (status 0, code `network`) no answer at all. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly field: string | null;
  readonly body: Partial<ProblemBody>;
  /** Seconds to wait, from Retry-After; null when the server did not say. */
  readonly retryAfter: number | null;

  constructor(status: number, code: string, detail: string, body: Partial<ProblemBody> = {}, retryAfter?: number) {
    super(`${status} ${code}: ${detail}`);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.field = body.field ?? null;
    this.body = body;
    this.retryAfter = retryAfter ?? null;
  }

  /** True when nothing reached the server, so the same call may be tried again. */
  get offline(): boolean {
    return this.status === 0;
  }
}

/** True for the error that an aborted request throws: never shown to a person. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

function address(path: string, query?: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  }
  const tail = search.toString();
  return BASE + path + (tail ? `?${tail}` : '');
}

async function problemOf(response: Response): Promise<Problem> {
  let body: Partial<ProblemBody> = {};
  try {
    body = (await response.json()) as Partial<ProblemBody>;
  } catch {
    // A proxy in between answers HTML; the status alone has to do.
  }
  const wait = Number(response.headers.get('retry-after'));
  const detail = body.detail ?? body.title ?? response.statusText;
  return new Problem(response.status, body.code ?? 'unknown', detail, body, wait > 0 ? wait : undefined);
}

export class Client {
  /** Called on every 401, before the error is thrown. */
  onUnauthorized: () => void = () => {};
  /** Called with true after any answer, with false when no answer came. */
  onReachable: (reachable: boolean) => void = () => {};

  get<T>(path: string, options?: RequestOptions): Promise<T> {
    return this.#send<T>('GET', path, undefined, options);
  }

  post<T>(path: string, body?: unknown, options?: RequestOptions): Promise<T> {
    return this.#send<T>('POST', path, body, options);
  }

  put<T>(path: string, body?: unknown, options?: RequestOptions): Promise<T> {
    return this.#send<T>('PUT', path, body, options);
  }

  patch<T>(path: string, body?: unknown, options?: RequestOptions): Promise<T> {
    return this.#send<T>('PATCH', path, body, options);
  }

  del<T = void>(path: string, options?: RequestOptions): Promise<T> {
    return this.#send<T>('DELETE', path, undefined, options);
  }

  async #send<T>(method: string, path: string, body: unknown, options: RequestOptions = {}): Promise<T> {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    let response: Response;
    try {
      response = await fetch(address(path, options.query), {
        method,
        headers,
        credentials: 'same-origin',
        body: body === undefined ? null : JSON.stringify(body),
        signal: options.signal ?? null,
      });
    } catch (error) {
      if (isAbort(error)) throw error;
      this.onReachable(false);
      throw new Problem(0, 'network', 'no answer from the server');
    }
    this.onReachable(true);
    if (!response.ok) {
      const problem = await problemOf(response);
      if (problem.status === 401) this.onUnauthorized();
      throw problem;
    }
    if (response.status === 204) return undefined as T;
    return (await response.json()) as T;
  }
}

/** The one client of the page. */
export const client = new Client();
