import type { Options, Policy, Redactor } from './common.js';

export * from './common.js';

/** Loads the engine: await it before the first `createRedactor`. Without a source, from `engine.wasm` beside the script. */
export function init(source?: string | URL | Request | Response | BufferSource | WebAssembly.Module): Promise<void>;

/** Compiles a policy; without one, the defaults. Throws `PolicyError`. */
export function createRedactor(policy?: Policy, options?: Options): Redactor;
