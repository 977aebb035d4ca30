// The shared table of scenarios: byte for byte what the engine gives natively, in every cut.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { load } from './common.mjs';

const { createRedactor } = await load();

test('every scenario that needs no proxy comes out as it does natively', () => {
  const cases = readFileSync(process.env.KEEPMUM_CASES, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.ok(cases.length > 200, `${cases.length} cases`);
  const redactors = new Map();
  const wrong = [];
  for (const { name, policy, type, keep_length: keepLength, pieces, want } of cases) {
    const key = JSON.stringify(policy);
    if (!redactors.has(key)) redactors.set(key, createRedactor(key));
    const body = redactors.get(key).body({ contentType: type, keepLength });
    const out = pieces.map((piece) => body.push(Buffer.from(piece, 'base64')).bytes);
    out.push(body.end().bytes);
    if (Buffer.concat(out).toString('base64') !== want) wrong.push(name);
  }
  assert.deepEqual(wrong, []);
});
