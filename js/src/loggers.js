// Under loggers: each way redacts what is about to be printed, since only there everything has been put together.

import { writeSync } from 'node:fs';
import { formatWithOptions, inspect } from 'node:util';

/** Bytes as JSON.stringify writes them: a Buffer (winston sorts its fields), and a typed array. */
const BYTES = /\{(?:"type":"Buffer",)?"data":\[([\d,]*)\](?:,"type":"Buffer")?\}|\{("0":\d{1,3}(?:,"\d+":\d{1,3})*)\}/g;

/** A line that a logger has put together, with the bytes in it looked at as bytes. */
function lineOf(redactor, text) {
  if (!text.includes('"type":"Buffer"') && !text.includes('{"0":')) return redactor.redact(text);
  const out = text.replace(BYTES, (all, data, entries) => {
    const numbers = data ?? entries.replace(/"\d+":/g, '');
    const bytes = Buffer.from(numbers ? numbers.split(',').map(Number) : []);
    const clean = redactor.redactBytes(bytes);
    if (bytes.equals(clean)) return all;
    return JSON.stringify(data === undefined ? new Uint8Array(clean) : clean);
  });
  return redactor.redact(out);
}

/** pino's hooks: every line, as it is written. */
export function pinoHooks(redactor) {
  return {
    /** What pino cannot read, such as a getter that throws, is read here. */
    logMethod(args, method) {
      try {
        method.apply(this, args);
      } catch {
        method.apply(this, args.map((arg) => redactor.redactObject(arg)));
      }
    },
    streamWrite: (line) => lineOf(redactor, line),
  };
}

/** winston's format, to be the first and the last one of `combine`: what cannot be read is read here, and the line that was formatted. */
export function winstonFormat(redactor) {
  const message = Symbol.for('message');
  return {
    transform(info) {
      const copy = redactor.redactObject(info);
      if (typeof info[message] === 'string') copy[message] = lineOf(redactor, info[message]);
      return copy;
    },
  };
}

const PRINTING = ['debug', 'dir', 'dirxml', 'error', 'group', 'groupCollapsed', 'info', 'log', 'trace', 'warn', 'table', 'assert'];

/** Puts the redactor under a console's methods. Returns what takes it away again. */
export function patchConsole(redactor, target = console) {
  const before = new Map();
  const print = (name, write) => {
    before.set(name, Object.getOwnPropertyDescriptor(target, name));
    Object.defineProperty(target, name, { value: write, writable: true, configurable: true, enumerable: true });
  };
  // Texts are looked at when they have been put together: `postgres://app:%s@db` says nothing by itself.
  const clean = (args) => args.map((arg) => (typeof arg === 'string' ? arg : redactor.redactObject(arg)));
  for (const name of PRINTING) {
    const original = target[name];
    if (typeof original !== 'function') continue;
    if (name === 'table' || name === 'dir' || name === 'dirxml') {
      print(name, (value, ...options) => original.call(target, redactor.redactObject(value), ...options));
    } else if (name === 'assert') {
      print(name, (value, ...args) => original.call(target, value, ...(args.length ? [line(redactor, clean(args))] : [])));
    } else {
      print(name, (...args) => (args.length ? original.call(target, line(redactor, clean(args))) : original.call(target)));
    }
  }
  return function restore() {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(target, name, descriptor);
      else delete target[name];
    }
  };
}

/** As the console would put it together, and looked at once more: a secret can come in two arguments. */
function line(redactor, args) {
  return redactor.redact(formatWithOptions({ colors: process.stdout.isTTY === true }, ...args));
}

/** What Node would print of an uncaught exception, redacted, and the same end. Returns what takes it away again. */
export function guardUncaught(redactor, { exit = (code) => process.exit(code), write = (text) => writeSync(2, text) } = {}) {
  const print = (error, origin) => {
    let text;
    try {
      const copy = redactor.redactObject(error);
      text = redactor.redact(`${origin === 'unhandledRejection' ? 'Unhandled rejection' : 'Uncaught exception'}: ${inspect(copy)}`);
    } catch {
      text = 'Uncaught exception, which could not be redacted';
    }
    write(`${text}\n`);
    exit(1);
  };
  process.on('uncaughtException', print);
  return function restore() {
    process.off('uncaughtException', print);
  };
}
