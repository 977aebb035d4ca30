// The entry for browsers: the module is fetched from beside this file, unless the caller has it.

import { loadAsync, Redactor } from './core.js';

/** Loads the engine: await it before the first `createRedactor`. */
export function init(source = new URL('./engine.wasm', import.meta.url)) {
  return loadAsync(source);
}

/** Compiles a policy: an object, JSON or YAML; without one, the defaults. */
export function createRedactor(policy, options = {}) {
  return new Redactor(policy, options);
}

export { BlockedError, PolicyError } from './errors.js';
export { policySchema } from './core.js';
