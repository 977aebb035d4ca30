import type { Transform } from 'node:stream';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Options, Policy, ReadAs, Redactor } from './common.js';

export * from './common.js';

export interface NodeRedactor extends Redactor {
  /** The same as `stream()`, as a Transform. */
  nodeStream(as?: ReadAs): Transform;
}

/** Compiles a policy; without one, the defaults. Throws `PolicyError`. */
export function createRedactor(policy?: Policy, options?: Options): NodeRedactor;

/** `pino({ hooks: pinoHooks(redactor) })`: every line, as it is written. Needs pino 9.8 or later. */
export function pinoHooks(redactor: Redactor): {
  streamWrite(line: string): string;
  logMethod(args: any[], method: (...args: any[]) => void): void;
};

/** The first and the last of `format.combine(…)`: what other formats put together, and what they could not read. */
export function winstonFormat(redactor: Redactor): { transform<T>(info: T): T };

/** Redacts what a console prints. Returns what takes that away again. */
export function patchConsole(redactor: Redactor, target?: Console): () => void;

/** Redacts what is printed of an uncaught exception, and exits with 1. Returns what takes that away again. */
export function guardUncaught(
  redactor: Redactor,
  options?: { exit?: (code: number) => void; write?: (text: string) => void },
): () => void;

/** Some of the required secrets are missing, empty or guessable. */
export class MissingSecretsError extends Error {
  readonly secrets: { name: string; why: string }[];
}

/** Fails at start, naming all that is missing; otherwise arms the exact values in every spelling, and returns them. */
export function requireSecrets<N extends string>(
  names: readonly N[],
  options?: { redactor?: Redactor; env?: Record<string, string | undefined> },
): Record<N, string>;

export interface ErrorHandlerOptions {
  redactor?: Redactor;
  /** Is told of each error, redacted, before the client is answered. */
  onError?: (error: unknown, request: unknown) => void;
}

/** For `app.use`, behind all routes: answers problem+json without internals. */
export function expressErrorHandler(
  options?: ErrorHandlerOptions,
): (error: unknown, request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

/** For `fastify.setErrorHandler`: the same. */
export function fastifyErrorHandler(options?: ErrorHandlerOptions): (error: Error, request: any, reply: any) => any;
