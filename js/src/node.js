// The entry for Node: loads the module from beside this file, at once, and adds what only Node has.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';

import { load, Redactor } from './core.js';
import { BlockedError } from './errors.js';

load(readFileSync(join(__dirname, 'engine.wasm')));

class NodeRedactor extends Redactor {
  /** The same as `stream()`, as a Transform. */
  nodeStream(options) {
    const body = this.body(options);
    const pass = (stream, step, done) => {
      try {
        const { bytes, blocked } = step();
        if (bytes.length) stream.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
        done(blocked ? new BlockedError() : null);
      } catch (error) {
        done(error);
      }
    };
    return new Transform({
      transform(piece, encoding, done) {
        pass(this, () => body.push(typeof piece === 'string' ? Buffer.from(piece, encoding) : piece), done);
      },
      flush(done) {
        pass(this, () => body.end(), done);
      },
    });
  }
}

/** Compiles a policy: an object, JSON or YAML; without one, the defaults. */
export function createRedactor(policy, options = {}) {
  return new NodeRedactor(policy, { env: process.env, ...options });
}

export { BlockedError, MissingSecretsError, PolicyError } from './errors.js';
export { policySchema } from './core.js';
export { expressErrorHandler, fastifyErrorHandler } from './http.js';
export { guardUncaught, patchConsole, pinoHooks, winstonFormat } from './loggers.js';
export { requireSecrets } from './secrets.js';
