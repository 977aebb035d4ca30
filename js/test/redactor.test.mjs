// Texts, bytes, streams and policies.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cleanUrl, load, password, stripe, url } from './common.mjs';

const keepmum = await load();
const { createRedactor, PolicyError, BlockedError } = keepmum;
const redactor = createRedactor();

test('a text without secrets is the same string', () => {
  const text = 'GET /health 200, and half a pair \ud800 of surrogates';
  assert.equal(redactor.redact(text), text);
  assert.deepEqual(redactor.findings, []);
});

test('findings have the offsets of the string', () => {
  const text = `é😀 ${url}`;
  assert.equal(redactor.redact(text), `é😀 ${cleanUrl}`);
  const [{ detector, action, start, end }] = redactor.findings;
  assert.deepEqual([detector, action, text.slice(start, end)], ['postgres-url-password', 'label', password]);
});

test('a large text leaves room for a small one', () => {
  const large = `${'x '.repeat(2_000_000)}${url}`;
  assert.ok(redactor.redact(large).endsWith(cleanUrl));
  assert.equal(redactor.redact(url), cleanUrl);
});

test('bytes stay what they are', () => {
  for (const bytes of [Buffer.from(url), new TextEncoder().encode(url), new TextEncoder().encode(url).buffer]) {
    const out = redactor.redactBytes(bytes);
    assert.equal(out.constructor, bytes.constructor);
    assert.equal(Buffer.from(out).toString(), cleanUrl);
  }
  const broken = Buffer.from([0xff, 0xfe, 0x00, 0x41]);
  assert.deepEqual(redactor.redactBytes(broken), broken);
  const masked = redactor.redactBytes(Buffer.from(url), { keepLength: true });
  assert.equal(masked.length, url.length);
  assert.ok(!masked.includes(password));
});

test('JSON, YAML and objects are policies', () => {
  const policy = { fields: [{ names: ['pin'] }] };
  for (const written of [policy, JSON.stringify(policy), 'fields:\n  - names: [pin]\n']) {
    const { text } = createRedactor(written).inspect('{"pin":1234}', { contentType: 'application/json' });
    assert.equal(text, '{"pin":"[REDACTED:field]"}');
  }
});

test('mistakes are told all at once, with their fields and without values', () => {
  const wrong = { feilds: [], detectors: { custom: [{ id: 'a', pattern: `(${password}` }] } };
  assert.throws(() => createRedactor(wrong), (error) => {
    assert.ok(error instanceof PolicyError);
    assert.deepEqual(error.mistakes.map(({ path }) => path).sort(), ['detectors.custom[0].pattern', 'feilds'].sort());
    assert.match(error.message, /feilds: no such key; did you mean `fields`/);
    assert.ok(!error.message.includes(password));
    return true;
  });
});

test('what a policy blocks does not come back', async () => {
  const blocks = createRedactor({ response: { action: 'block' } });
  assert.equal(blocks.redact(url), '[REDACTED:blocked]');
  const source = new Blob([`before ${url} behind`]).stream();
  await assert.rejects(new Response(source.pipeThrough(blocks.stream())).text(), BlockedError);
});

test('a stream does not depend on how it was cut', async () => {
  const text = `a ${url} and ${stripe} ü end`;
  const want = redactor.redact(text);
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size += 3) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
    const web = ReadableStream.from(pieces).pipeThrough(redactor.stream());
    assert.equal(await new Response(web).text(), want);
    const node = redactor.nodeStream();
    pieces.forEach((piece) => node.write(piece));
    node.end();
    assert.equal(Buffer.concat(await node.toArray()).toString(), want);
  }
});

test('nothing is held that need not be', () => {
  const body = redactor.body();
  const open = body.push('data: hello\n\npostgres://app:');
  assert.equal(Buffer.from(open.bytes).toString(), 'data: hello\n\n');
  assert.ok(open.held > 0);
  const rest = body.end(`${password}@db `);
  assert.equal(rest.held, 0);
  assert.equal(rest.findings.length, 1);
});

test('the schema is that of the policies', () => {
  assert.match(JSON.stringify(keepmum.policySchema()), /"detectors"/);
});
