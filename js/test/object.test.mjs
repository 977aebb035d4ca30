// Deep copies: nothing is changed in place, and everything stays what it was.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect, types } from 'node:util';

import { cleanUrl, load, password, stripe, url } from './common.mjs';

const { createRedactor } = await load();
const redactor = createRedactor({ fields: [{ names: ['pin'] }] });
const clean = (value) => redactor.redactObject(value);

class Order {
  constructor() {
    this.dsn = url;
  }
  get id() {
    return 7;
  }
}

test('prototypes stay', () => {
  const order = clean(new Order());
  assert.ok(order instanceof Order);
  assert.deepEqual([order.dsn, order.id], [cleanUrl, 7]);
  const error = clean(new RangeError(url, { cause: new Error(stripe) }));
  assert.ok(error instanceof RangeError && types.isNativeError(error));
  assert.equal(error.message, cleanUrl);
  assert.ok(!inspect(error).includes(password) && !inspect(error).includes(stripe));
  const many = clean(new AggregateError([new Error(url)], 'several'));
  assert.equal(many.errors[0].message, cleanUrl);
  const map = clean(new Map([[url, 1], ['k', url], [{ a: url }, url]]));
  assert.deepEqual([...map], [[cleanUrl, 1], ['k', cleanUrl], [{ a: cleanUrl }, cleanUrl]]);
  assert.deepEqual([...clean(new Set([url, 3]))], [cleanUrl, 3]);
  const date = new Date(7);
  assert.deepEqual(clean(date), date);
  assert.ok(Buffer.isBuffer(clean(Buffer.from(url))));
  assert.ok(clean(new URL(url)) instanceof URL);
  assert.deepEqual(clean([undefined, null, true, 1, 10n, NaN]), [undefined, null, true, 1, 10n, NaN]);
});

test('the value itself is never changed', () => {
  const value = { a: [url], m: new Map([['k', url]]), e: new Error(url) };
  const before = inspect(value, { depth: 9 });
  clean(value);
  assert.equal(inspect(value, { depth: 9 }), before);
  Object.freeze(value.a);
  assert.deepEqual(clean(value).a, [cleanUrl]);
});

test('cycles stay cycles, and what throws is told', () => {
  const value = { dsn: url };
  value.self = value;
  value.list = [value];
  const copy = clean(value);
  assert.equal(copy.self, copy);
  assert.equal(copy.list[0], copy);
  assert.equal(copy.dsn, cleanUrl);
  const bad = { get x() { throw new Error(url); }, y: 1 };
  assert.deepEqual(clean(bad), { x: '[Unreadable]', y: 1 });
  const trap = new Proxy({}, { ownKeys() { throw new Error(url); } });
  assert.equal(clean(trap), '[Unreadable]');
  let deep = url;
  for (let i = 0; i < 10_000; i += 1) deep = [deep];
  assert.ok(!JSON.stringify(clean(deep)).includes(password));
});

test('a name of Object is a name like others', () => {
  const copy = clean(JSON.parse(`{"__proto__":{"polluted":1},"constructor":"${url}"}`));
  assert.equal({}.polluted, undefined);
  assert.ok(Object.hasOwn(copy, '__proto__'));
  assert.equal(copy.constructor, cleanUrl);
});

test('rules for fields are the policy’s', () => {
  assert.deepEqual(clean({ pin: 1234, a: { PIN: 'x' }, b: { pin: [1, 2] }, c: 1 }), {
    pin: '[REDACTED:field]',
    a: { PIN: '[REDACTED:field]' },
    b: { pin: '[REDACTED:field]' },
    c: 1,
  });
});

test('paths are pino’s, with ** for any depth', () => {
  const paths = ['req.headers.cookie', 'users[*].token', '*.password', 'a["b-c"].d', '**.secret', 'list[1]'];
  const { redactObject } = createRedactor({}, { paths, censor: '#' });
  const copy = createRedactor({}, { paths, censor: '#' }).redactObject({
    req: { headers: { cookie: 'x', host: 'h' }, password: 'p' },
    users: [{ token: 't', n: 1 }, { token: { deep: 1 } }],
    a: { 'b-c': { d: 1, e: 2 } },
    secret: 1,
    x: { y: [{ secret: 's' }] },
    list: [1, 2],
    password: 'not below anything',
  });
  assert.equal(typeof redactObject, 'function');
  assert.deepEqual(copy, {
    req: { headers: { cookie: '#', host: 'h' }, password: '#' },
    users: [{ token: '#', n: 1 }, { token: '#' }],
    a: { 'b-c': { d: '#', e: 2 } },
    secret: '#',
    x: { y: [{ secret: '#' }] },
    list: [1, '#'],
    password: 'not below anything',
  });
  for (const wrong of ['', 'a..b', 'a[', '**', 'a.**']) assert.throws(() => createRedactor({}, { paths: [wrong] }), /paths/);
});

test('every action leaves a document that can be read', () => {
  for (const action of ['remove', 'mask', 'label', 'defang']) {
    const copy = createRedactor({ response: { action }, fields: [{ names: ['pin'], action: action === 'defang' ? 'remove' : action }] })
      .redactObject({ before: 1, dsn: url, pin: 1234, nested: { pin: { a: [1] } }, list: [url, 'kept'], after: 'kept' });
    assert.ok(!inspect(copy, { depth: 9 }).includes(password), action);
    assert.deepEqual([copy.before, copy.after, copy.list[1]], [1, 'kept', 'kept'], action);
    assert.ok(!inspect(copy, { depth: 9 }).includes('1234'), action);
  }
});
