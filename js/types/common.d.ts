/** A policy of the language that `docs/POLICY.md` describes: an object, or JSON or YAML as text. */
export type Policy = string | { version?: 1; [field: string]: unknown };

export interface Finding {
  /** The detector's id, or `field`, `known-secret`. */
  detector: string;
  /** What was done: `label`, `mask`, `hash`, `remove`, `defang`, `block`, `report`. */
  action: string;
  /** Offsets into the string, or into the bytes, that were given. */
  start: number;
  end: number;
}

export interface Options {
  /** Where variables that the policy names are looked up. In Node: `process.env`. */
  env?: Record<string, string | undefined>;
  /** Values that `redactObject` replaces whatever they are: `req.headers.cookie`, `users[*].token`, `*.password`, `**.secret`. */
  paths?: string[];
  /** What stands in their place; default `[REDACTED:path]`. */
  censor?: string | ((value: unknown) => unknown);
}

export interface ReadAs {
  /** How a body is read, such as `application/json`; without it, as text. */
  contentType?: string;
  /** Every action becomes a mask. Not for `inspect`. */
  keepLength?: boolean;
}

export interface Piece {
  /** What leaves. */
  bytes: Uint8Array;
  /** What was found and settled, as offsets into the whole input. */
  findings: Finding[];
  /** Bytes that are held back. */
  held: number;
  /** The policy blocks it: nothing more leaves. */
  blocked: boolean;
}

export interface Body {
  push(piece: Uint8Array | string): Piece;
  end(piece?: Uint8Array | string): Piece;
}

export interface Redactor {
  /** The text without secrets; the very same string if there are none. Never throws. */
  redact(text: string): string;
  /** The same, with what was found. */
  inspect(text: string, as?: ReadAs): { text: string; findings: readonly Finding[] };
  /** A copy without secrets, of the kind that was given. */
  redactBytes<B extends Uint8Array | ArrayBuffer>(bytes: B, as?: ReadAs): B;
  /** A deep copy without secrets, with the prototypes of what was given; the value itself is never changed. */
  redactObject<T>(value: T): T;
  /** A body piece by piece. The output does not depend on how it was cut. */
  body(as?: ReadAs): Body;
  /** The same as a TransformStream; what the policy blocks ends it with a `BlockedError`. */
  stream(as?: ReadAs): TransformStream<Uint8Array | string, Uint8Array>;
  /** What the last call found. */
  readonly findings: readonly Finding[];
  /** Ids of the detectors that the policy arms. */
  readonly detectors: string[];
}

export interface Mistake {
  /** The field: `detectors.custom[0].pattern`. */
  path: string;
  /** What is wrong with it, and what would be accepted. */
  why: string;
}

/** The policy is refused; all mistakes at once. */
export class PolicyError extends Error {
  readonly mistakes: Mistake[];
}

/** The policy blocks what was found in a stream. */
export class BlockedError extends Error {}

/** The JSON Schema of policies, for editors. */
export function policySchema(): Record<string, unknown>;
