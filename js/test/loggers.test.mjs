// Real loggers, each in every one of the ways of logging a secret.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { test } from 'node:test';

import pino from 'pino';
import winston from 'winston';
import Transport from 'winston-transport';

import { load, password, project, url } from './common.mjs';
import { shows, WAYS } from './ways.mjs';

const { createRedactor, guardUncaught, patchConsole, pinoHooks, winstonFormat } = await load();
const redactor = createRedactor();

/** What is written, and whether the way shows anything without the redactor: a test that cannot fail is none. */
function sink() {
  let text = '';
  const stream = new Writable({ write(piece, _, done) { text += piece; done(); } });
  return { stream, text: () => text };
}

test('there are forty ways', () => assert.ok(Object.keys(WAYS).length >= 40));

test('pino shows none of them', () => {
  let plain = 0;
  for (const [name, make] of Object.entries(WAYS)) {
    const { stream, text } = sink();
    pino({ hooks: pinoHooks(redactor) }, stream).info(...make());
    assert.ok(text().endsWith('}\n') && JSON.parse(text()).level === 30, name);
    assert.ok(!shows(text()), name);
    const bare = sink();
    if (name !== 'a getter that throws') pino({}, bare.stream).info(...make());
    plain += shows(bare.text());
  }
  assert.ok(plain > 25, `${plain}`);
});

test('pino’s children and bindings are redacted too', () => {
  const { stream, text } = sink();
  pino({ hooks: pinoHooks(redactor), base: { dsn: url } }, stream).child({ url }).error(new Error(url));
  assert.ok(!shows(text()));
});

test('winston shows none of them', async () => {
  const { combine, timestamp, json, splat, simple, errors } = winston.format;
  for (const [kind, last] of Object.entries({ json: json(), simple: simple() })) {
    for (const [name, make] of Object.entries(WAYS)) {
      // winston itself cannot make a text of it.
      if (name === 'a null prototype' && kind === 'simple') continue;
      const seen = [];
      class Keep extends Transport {
        log(info, done) {
          seen.push(String(info[Symbol.for('message')]), JSON.stringify({ ...info, self: undefined }, plainly()));
          done();
        }
      }
      const format = combine(winstonFormat(redactor), errors({ stack: true, cause: true }), splat(), timestamp(), last, winstonFormat(redactor));
      const logger = winston.createLogger({ format, transports: [new Keep()] });
      logger.info(...make());
      await new Promise((done) => { logger.on('finish', done); logger.end(); });
      assert.ok(!shows(seen.join('\n')), name);
    }
  }
});

/** JSON without cycles. */
function plainly() {
  const seen = new Set();
  return (_, value) => {
    if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return undefined;
    seen.add(value);
    return value;
  };
}

test('a console shows none of them, and is itself again afterwards', () => {
  for (const [name, make] of Object.entries(WAYS)) {
    const { stream, text } = sink();
    const target = new Console(stream, stream);
    const restore = patchConsole(redactor, target);
    for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'group']) target[method](...make());
    for (const method of ['dir', 'table']) target[method](make()[0]);
    target.assert(false, ...make());
    assert.ok(text().length > 0 && !shows(text()), name);
    restore();
    target.log(...WAYS['a text']());
    assert.ok(shows(text()), name);
  }
});

test('an uncaught exception shows none of them', () => {
  for (const kind of ['throw new Error(text)', 'Promise.reject(new Error("x", {cause: new Error(text)}))', 'throw {text}']) {
    const code = `const k = require('keepmum'); k.guardUncaught(k.createRedactor()); const text = process.env.TEXT; ${kind}`;
    const { status, stderr, stdout } = spawnSync(process.execPath, ['-e', code], { cwd: project, env: { ...process.env, TEXT: url }, encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /REDACTED:postgres-url-password/);
    assert.ok(!shows(stderr + stdout));
  }
  for (const [name, make] of Object.entries(WAYS)) {
    let text = '';
    const restore = guardUncaught(redactor, { exit() {}, write(piece) { text += piece; } });
    const listener = process.listeners('uncaughtException').at(-1);
    listener(make().at(-1), 'uncaughtException');
    listener(make()[0], 'unhandledRejection');
    restore();
    assert.ok(!shows(text) || name === 'put together by %s', name);
    assert.equal(process.listeners('uncaughtException').includes(listener), false);
  }
  assert.ok(password);
});
