// What is installed: both kinds of modules, nothing besides, and small.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { cleanUrl, load, project, require, url } from './common.mjs';

const print = (line) => `${line}; console.log(createRedactor().redact(process.env.TEXT))`;
const run = (...args) => execFileSync(process.execPath, args, { cwd: project, env: { ...process.env, TEXT: url }, encoding: 'utf8' }).trim();

test('it runs as an ES module', () => {
  assert.equal(run('--input-type=module', '-e', print("import { createRedactor } from 'keepmum'")), cleanUrl);
});

test('it runs as a CommonJS module', () => {
  assert.equal(run('--input-type=commonjs', '-e', print("const { createRedactor } = require('keepmum')")), cleanUrl);
});

test('both are one instance', async () => {
  assert.equal((await load()).createRedactor, require('keepmum').createRedactor);
});

test('there is no dependency, no script, and no more than 700 KiB', () => {
  const { dependencies, scripts } = JSON.parse(readFileSync(join(project, 'node_modules/keepmum/package.json'), 'utf8'));
  assert.deepEqual([dependencies, scripts], [undefined, undefined]);
  assert.deepEqual(readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.')), ['keepmum']);
  assert.ok(statSync(process.env.KEEPMUM_TARBALL).size < 700 * 1024);
});

test('the types name what there is', async () => {
  const types = ['common.d.ts', 'node.d.ts'].map((name) => readFileSync(join(project, 'node_modules/keepmum', name), 'utf8')).join('\n');
  const told = [...types.matchAll(/^export (?:function|class) (\w+)/gm)].map(([, name]) => name).sort();
  assert.deepEqual(Object.keys(await load()).sort(), told);
});
