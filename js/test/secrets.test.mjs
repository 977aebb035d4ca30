// `requireSecrets`: all that is missing at once, and exact values in every spelling.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './common.mjs';

const { createRedactor, MissingSecretsError, requireSecrets } = await load();
const value = ['plain', 'words/with+signs', 'and no form'].join(' ');

test('all that is missing is named at once, without values', () => {
  const env = { A: value, EMPTY: ' ', SHORT: 'abc', PLACE: '<password>', WORD: 'password1', NUMBER: '1234567890', SAME: 'aaaaaaaaaaaa' };
  assert.throws(() => requireSecrets(['A', 'GONE', ...Object.keys(env)], { env }), (error) => {
    assert.ok(error instanceof MissingSecretsError);
    assert.deepEqual(error.secrets.map(({ name }) => name), ['GONE', 'EMPTY', 'SHORT', 'PLACE', 'WORD', 'NUMBER', 'SAME']);
    for (const text of Object.values(env)) assert.ok(text === ' ' || !error.message.includes(text));
    return true;
  });
});

test('exact values are found in all their forms', () => {
  const redactor = createRedactor();
  const got = requireSecrets(['A'], { redactor, env: { A: value } });
  assert.deepEqual(got, { A: value });
  const forms = [
    value,
    JSON.stringify({ a: value }),
    encodeURIComponent(value),
    new URLSearchParams({ a: value }).toString(),
    ...[0, 1, 2].map((phase) => Buffer.from(`${'x'.repeat(phase + 6)}${value}yyyyyy`).toString('base64')),
    Buffer.from(value).toString('base64url'),
    Buffer.from(value).toString('hex'),
  ];
  for (const form of forms) {
    assert.notEqual(redactor.redact(`before ${form} behind`), `before ${form} behind`);
  }
  assert.ok(!JSON.stringify(redactor.redactObject({ a: { b: [value] } })).includes(value));
});

test('a second call adds to the first, and the password of a URL counts for itself', () => {
  const redactor = createRedactor({ detectors: { disable: ['postgres-url-password'] } });
  const pass = ['Some', 'Pass', 'word', '771'].join('%21');
  requireSecrets(['A'], { redactor, env: { A: value } });
  requireSecrets(['B'], { redactor, env: { B: `postgres://app:${pass}@db/shop` } });
  for (const text of [value, pass, decodeURIComponent(pass)]) assert.equal(redactor.redact(`x ${text} y`), 'x [REDACTED:known-secret] y');
});
