// GHOSTNET's client: docs/frontend.md.

export { Api, ApiError, type Answer, type ApiOptions, type Data, type Params, type Path } from "./api.ts";
export { keepFresh, type FreshOptions } from "./fresh.ts";
export { Live, type LiveEvents, type LiveOptions, type LiveState } from "./live.ts";
export { Timeline } from "./timeline.ts";
export type * as Rest from "./types/rest.ts";
export type * as Ws from "./types/ws.ts";
