// The redactor: texts and bytes through the engine's memory. Strings are written there in place, and one in which nothing changed
// is returned as it is, without ever being decoded again.

import * as engine from '#engine';
import { BlockedError, PolicyError } from './errors.js';
import { redactObject } from './object.js';
import { compilePaths } from './paths.js';

/** What is kept of the engine's input buffer between two texts. */
const KEPT = 1 << 20;
const BLOCKED = '[REDACTED:blocked]';
const FAILED = '[REDACTED:failed]';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
let memory;

/** Instantiates the engine, once for all redactors. */
export function load(module) {
  if (!memory) memory = engine.initSync({ module }).memory;
}

export async function loadAsync(source) {
  if (!memory) memory = (await engine.default({ module_or_path: source })).memory;
}

/** The JSON Schema of policies. */
export function policySchema() {
  return JSON.parse(engine.policy_schema());
}

function written(policy) {
  if (policy === undefined || policy === null) return '{}';
  return typeof policy === 'string' ? policy : JSON.stringify(policy);
}

function machine(policy, env) {
  if (!memory) throw new Error('keepmum: call and await init() first');
  const get = (name) => (Object.hasOwn(env, name) && typeof env[name] === 'string' ? env[name] : undefined);
  try {
    return new engine.Machine(policy, { get });
  } catch (mistakes) {
    if (typeof mistakes === 'string') throw new PolicyError(JSON.parse(mistakes));
    throw mistakes;
  }
}

export class Redactor {
  #policy;
  #env;
  #machine;
  #view = new Uint8Array(0);
  #findings = [];
  #armed = null;
  #paths;
  #censor;

  constructor(policy, { env = {}, paths = [], censor = '[REDACTED:path]' } = {}) {
    this.#policy = written(policy);
    this.#env = env;
    this.#paths = compilePaths(paths);
    this.#censor = censor;
    this.#machine = machine(this.#policy, env);
  }

  /** What the last call found. Offsets are those of the string, or of the bytes. */
  get findings() {
    return this.#findings;
  }

  /** Ids of the detectors that the policy arms. */
  get detectors() {
    return JSON.parse(this.#machine.about()).detectors;
  }

  redact(text) {
    if (typeof text !== 'string') text = String(text);
    return this.#text(text, undefined);
  }

  /** The same with what was found; `contentType`: how it is read. */
  inspect(text, { contentType } = {}) {
    const redacted = this.#text(text, contentType);
    return { text: redacted, findings: this.#findings };
  }

  redactBytes(bytes, { contentType, keepLength = false } = {}) {
    const view = asBytes(bytes);
    const out = this.#guarded(() => {
      const packed = this.#run(this.#putBytes(view), contentType, keepLength);
      this.#findings = packed >> 2 ? JSON.parse(this.#machine.findings()) : [];
      if (packed & 2) return encoder.encode(BLOCKED);
      return packed & 1 ? this.#out().slice() : view.slice();
    });
    return like(bytes, typeof out === 'string' ? encoder.encode(out) : out);
  }

  /** A deep copy without secrets; the value itself is never changed. */
  redactObject(value) {
    if (typeof value === 'string') return this.redact(value);
    return redactObject(this, value, this.#paths, this.#censor);
  }

  /** A body piece by piece: `push` says what leaves and how much is held back. */
  body({ contentType, keepLength = false } = {}) {
    const stream = new engine.Stream(contentType, keepLength);
    let over = false;
    const step = (piece, end) => {
      if (over) throw new BlockedError();
      const view = typeof piece === 'string' ? encoder.encode(piece) : asBytes(piece);
      const packed = stream.push(this.#machine, this.#putBytes(view), end);
      const findings = packed >> 2 ? JSON.parse(this.#machine.findings()) : [];
      const bytes = packed & 1 ? this.#out().slice() : view.slice();
      over = end || (packed & 2) !== 0;
      const held = stream.held();
      if (over) stream.free();
      return { bytes, findings, held: over ? 0 : held, blocked: (packed & 2) !== 0 };
    };
    return { push: (piece) => step(piece, false), end: (piece = '') => step(piece, true) };
  }

  /** A TransformStream: strings or bytes in, bytes out. */
  stream(options) {
    const body = this.body(options);
    const pass = ({ bytes, blocked }, to) => {
      if (bytes.length) to.enqueue(bytes);
      if (blocked) throw new BlockedError();
    };
    return new TransformStream({
      transform: (piece, to) => pass(body.push(piece), to),
      flush: (to) => pass(body.end(), to),
    });
  }

  /** Exact values, in place of those before: `[id, value]`. Returns the ids that cannot be armed. */
  arm(secrets) {
    const random = globalThis.crypto.getRandomValues(new Uint8Array(48));
    if (!this.#machine.begin(random.subarray(0, 32), random.subarray(32))) throw new Error('keepmum: no randomness');
    const refused = secrets.filter(([id, value]) => !this.#machine.arm(id, this.#putText(value))).map(([id]) => id);
    if (!this.#machine.know()) throw new Error('keepmum: the set of exact secrets could not be made');
    this.#armed = secrets.map(([id]) => id);
    return refused;
  }

  #text(text, contentType) {
    return this.#guarded(() => {
      const len = this.#putText(text);
      const packed = this.#run(len, contentType, false);
      if (packed === 0) {
        this.#findings = NONE;
        return text;
      }
      this.#findings = packed >> 2 ? inUnits(JSON.parse(this.#machine.findings()), text, len) : NONE;
      if (packed & 2) return BLOCKED;
      return packed & 1 ? decoder.decode(this.#out()) : text;
    });
  }

  #run(len, contentType, keepLength) {
    return contentType === undefined
      ? this.#machine.redact(len, keepLength)
      : this.#machine.redact_as(len, contentType, keepLength);
  }

  /** A logger must not throw, and must not print what could not be read. */
  #guarded(run) {
    try {
      return run();
    } catch {
      this.#view = new Uint8Array(0);
      // Exact secrets cannot be armed again without their values: better no text than one with them.
      if (!this.#armed) this.#machine = machine(this.#policy, this.#env);
      return FAILED;
    }
  }

  #room(len) {
    if (this.#view.length < len || len > KEPT) {
      const at = this.#machine.input(len);
      if (at === 0) throw new RangeError('keepmum: no memory');
      this.#view = new Uint8Array(memory.buffer, at, len);
    }
    return this.#view;
  }

  #putText(text) {
    const room = text.length * 3;
    const view = this.#room(room);
    const { written: len } = encoder.encodeInto(text, view);
    if (room > KEPT) this.#view = new Uint8Array(0);
    return len;
  }

  #putBytes(bytes) {
    this.#room(bytes.length).set(bytes);
    if (bytes.length > KEPT) this.#view = new Uint8Array(0);
    return bytes.length;
  }

  #out() {
    return new Uint8Array(memory.buffer, this.#machine.out(), this.#machine.out_len());
  }
}

const NONE = Object.freeze([]);

/** Offsets of bytes as offsets of the string. */
function inUnits(findings, text, len) {
  if (len === text.length) return findings;
  const bytes = encoder.encode(text);
  const unit = (at) => decoder.decode(bytes.subarray(0, at)).length;
  return findings.map((f) => ({ ...f, start: unit(f.start), end: unit(f.end) }));
}

function asBytes(bytes) {
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  throw new TypeError('keepmum: expected bytes');
}

/** Of the kind that came in. */
function like(sample, bytes) {
  if (typeof Buffer !== 'undefined' && Buffer.isBuffer(sample)) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return sample instanceof ArrayBuffer ? bytes.buffer : bytes;
}
