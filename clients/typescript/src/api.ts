// The REST API by `fetch`: paths, parameters and answers have the types of docs/openapi.json.

import { backoff, pause } from "./backoff.ts";
import type { paths, Problem } from "./types/rest.ts";

/** What follows `/api/v1` in the document's paths: "/positions/{address}". */
export type Path = { [P in keyof paths]: P extends `/api/v1${infer Rest}` ? Rest : never }[keyof paths];
type Operation<P extends Path> = paths[`/api/v1${P}`]["get"];
type Part<T> = [NonNullable<T>] extends [never] ? {} : NonNullable<T>;
/** A path's parameters: those in its braces, and those of its query. */
export type Params<P extends Path> = Part<Operation<P>["parameters"]["path"]> &
  Part<Operation<P>["parameters"]["query"]>;
/** The content of a path's answer. */
export type Data<P extends Path> = Operation<P>["responses"][200]["content"]["application/json"];

/** An answer, and the one block that it is of; `cursor` is the `since` with which `Live` goes on from it. */
export interface Answer<T> {
  data: T;
  block: number;
  hash: string;
  cursor: string;
}

export interface ApiOptions {
  /** How often a request that may succeed later is repeated: 425, 429, 502, 503, 504, no connection, no answer in time. */
  retries?: number;
  /** Milliseconds after which an attempt is given up. */
  timeout?: number;
  fetch?: typeof fetch;
}

/** An answer that is an error (RFC 9457); `retryAfter` in milliseconds, if the server says when to ask again. */
export class ApiError extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** Each bad parameter. */
  readonly errors: { parameter: string; message: string }[];
  readonly retryAfter: number | undefined;

  constructor(url: string, problem: Pick<Problem, "status" | "title" | "detail" | "errors">, retryAfter?: number) {
    const errors = problem.errors ?? [];
    const causes = errors.map(({ parameter, message }) => `; ${parameter}: ${message}`);
    super(`${problem.status} ${problem.title}: ${problem.detail}${causes.join("")} (${url})`);
    this.name = "ApiError";
    this.status = problem.status;
    this.title = problem.title;
    this.detail = problem.detail;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

type Arguments<P extends Path> =
  {} extends Params<P>
    ? [params?: Params<P>, options?: { signal?: AbortSignal }]
    : [params: Params<P>, options?: { signal?: AbortSignal }];

/** The API of the server at `base`: "http://127.0.0.1:8000". */
export class Api {
  readonly #base: string;
  readonly #retries: number;
  readonly #timeout: number;
  readonly #fetch: typeof fetch;

  constructor(base: string | URL, options: ApiOptions = {}) {
    this.#base = new URL("/api/v1", base).href;
    this.#retries = options.retries ?? 5;
    this.#timeout = options.timeout ?? 20_000;
    this.#fetch = options.fetch ?? ((...request) => fetch(...request));
  }

  /** The answer of a path. Rejects with ApiError, with fetch's TypeError, or with the signal's reason. */
  async get<P extends Path>(path: P, ...[params, { signal } = {}]: Arguments<P>): Promise<Answer<Data<P>>> {
    const url = this.#url(path, { ...params });
    for (let failures = 0; ; failures++) {
      try {
        return await this.#ask<Data<P>>(url, signal);
      } catch (error) {
        if (failures >= this.#retries || signal?.aborted || !mayPass(error)) throw error;
        await pause((error instanceof ApiError && error.retryAfter) || backoff(failures), signal);
      }
    }
  }

  #url(path: string, params: Record<string, unknown>): string {
    const query = new URLSearchParams();
    let filled = path;
    for (const [name, value] of Object.entries(params)) {
      if (path.includes(`{${name}}`)) filled = filled.replace(`{${name}}`, encodeURIComponent(String(value)));
      else if (value !== undefined && value !== null) query.set(name, String(value));
    }
    return `${this.#base}${filled}${query.size ? `?${query}` : ""}`;
  }

  async #ask<T>(url: string, signal: AbortSignal | undefined): Promise<Answer<T>> {
    const timeout = AbortSignal.timeout(this.#timeout);
    const response = await this.#fetch(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
    if (!response.ok) throw await errorOf(url, response);
    const header = (name: string) => response.headers.get(name) ?? "";
    return {
      data: await response.json(),
      block: Number(header("x-indexed-block")),
      hash: header("x-indexed-hash"),
      cursor: header("x-feed-cursor"),
    };
  }
}

async function errorOf(url: string, response: Response): Promise<ApiError> {
  const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json");
  const { status, statusText } = response;
  const problem: Problem = isProblem
    ? await response.json()
    : { type: "about:blank", status, title: statusText, detail: "not an answer of the API" };
  const seconds = Number(response.headers.get("retry-after"));
  return new ApiError(url, problem, seconds > 0 ? 1000 * seconds : undefined);
}

/** Whether the same request may succeed later. */
function mayPass(error: unknown): boolean {
  if (error instanceof ApiError) return [425, 429, 502, 503, 504].includes(error.status);
  return error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError");
}
