// Error handlers of real servers, over real HTTP.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import express from 'express';
import fastify from 'fastify';

import { load, url } from './common.mjs';
import { shows } from './ways.mjs';

const { createRedactor, expressErrorHandler, fastifyErrorHandler } = await load();
const redactor = createRedactor();

const FAILURES = {
  '/plain': () => new Error(`connect failed: ${url}`),
  '/status': () => Object.assign(new Error(url), { status: 503 }),
  '/exposed': () => Object.assign(new Error(`not ${url}`), { statusCode: 409, expose: true }),
  '/hidden': () => Object.assign(new Error(url), { statusCode: 404 }),
  '/odd': () => Object.assign(new Error(url), { statusCode: 200 }),
};
const STATUS = { '/plain': 500, '/status': 503, '/exposed': 409, '/hidden': 404, '/odd': 500 };

async function check(base, logged) {
  for (const [path, status] of Object.entries(STATUS)) {
    const response = await fetch(base + path);
    assert.equal(response.status, status, path);
    assert.match(response.headers.get('content-type'), /^application\/problem\+json/);
    const text = await response.text();
    assert.ok(!shows(text), path);
    const { title, detail, ...rest } = JSON.parse(text);
    assert.ok(title.length > 3);
    assert.equal(detail === undefined, path !== '/exposed', path);
    assert.deepEqual(rest, { type: 'about:blank', status });
    assert.ok(!text.includes('at ') && !text.includes('.mjs'));
  }
  assert.equal(logged.length, 5);
  assert.ok(logged.every((error) => error instanceof Error && !shows(`${error.stack}${error.message}`)));
}

test('Express', async () => {
  const logged = [];
  const app = express();
  for (const [path, make] of Object.entries(FAILURES)) {
    app.get(path, (request, response) => {
      response.set('set-cookie', 'a=b');
      throw make();
    });
  }
  app.get('/late', (request, response) => {
    response.write('begun');
    throw new Error(url);
  });
  app.use(expressErrorHandler({ redactor, onError: (error) => logged.push(error) }));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${server.address().port}`;
  try {
    await check(base, logged);
    await assert.rejects(fetch(`${base}/late`).then((response) => response.text()));
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('Fastify', async () => {
  const logged = [];
  const app = fastify();
  app.setErrorHandler(fastifyErrorHandler({ redactor, onError: (error) => logged.push(error) }));
  for (const [path, make] of Object.entries(FAILURES)) app.get(path, async () => { throw make(); });
  try {
    await check(await app.listen({ host: '127.0.0.1', port: 0 }), logged);
  } finally {
    await app.close();
  }
});
