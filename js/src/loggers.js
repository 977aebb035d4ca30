// Under loggers: each way redacts what is about to be printed, since only there everything has been put together.

import { writeSync } from 'node:fs';
import { formatWithOptions, inspect } from 'node:util';

const BUFFER = /\{"type":"Buffer","data":\[([\d,]*)\]\}/g;

/** pino's hooks: every line, as it is written. Buffers are looked at as bytes, since pino writes them as numbers. */
export function pinoHooks(redactor) {
  const number = (all, data) => {
    const bytes = Buffer.from(data ? data.split(',').map(Number) : []);
    const out = redactor.redactBytes(bytes);
    return bytes.equals(out) ? all : JSON.stringify(out);
  };
  return {
    streamWrite(line) {
      const text = line.includes('"type":"Buffer"') ? line.replace(BUFFER, number) : line;
      return redactor.redact(text);
    },
  };
}

/** winston's format, to be the last one of `combine`: the line that was formatted, and the fields for transports that format themselves. */
export function winstonFormat(redactor) {
  return { transform: (info) => redactor.redactObject(info) };
}

const PRINTING = ['debug', 'dir', 'dirxml', 'error', 'group', 'groupCollapsed', 'info', 'log', 'trace', 'warn', 'table', 'assert'];

/** Puts the redactor under a console's methods. Returns what takes it away again. */
export function patchConsole(redactor, target = console) {
  const before = new Map();
  const print = (name, write) => {
    before.set(name, Object.getOwnPropertyDescriptor(target, name));
    Object.defineProperty(target, name, { value: write, writable: true, configurable: true, enumerable: true });
  };
  const clean = (args) => args.map((arg) => redactor.redactObject(arg));
  for (const name of PRINTING) {
    const original = target[name];
    if (typeof original !== 'function') continue;
    if (name === 'table' || name === 'dir' || name === 'dirxml') {
      print(name, (...args) => original.apply(target, clean(args)));
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
