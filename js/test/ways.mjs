// Forty ways of logging a secret: what a program hands to its logger.

import { password, stripe, url } from './common.mjs';

class Client {
  #hidden = 1;
  constructor() {
    this.options = { connection: url };
  }
  get hidden() {
    return this.#hidden;
  }
}

const cyclic = () => {
  const a = { url, list: [] };
  a.self = a;
  a.list.push(a);
  return a;
};
const deep = (depth) => (depth ? { below: deep(depth - 1) } : url);
const thrown = (message) => {
  try {
    throw new TypeError(message);
  } catch (error) {
    return error;
  }
};
const throwing = () => Object.defineProperty({ url }, 'bad', { enumerable: true, get() { throw new Error(url); } });

export const WAYS = {
  'a text': () => [url],
  'in a sentence': () => [`cannot reach ${url}, giving up`],
  'two lines': () => [`first\n${url}\nlast`],
  '%s': () => ['cannot reach %s', url],
  '%o': () => ['options %o', { url }],
  '%j': () => ['options %j', { url }],
  'put together by %s': () => ['postgres://app:%s@db.example/shop', password],
  'a key': () => [`key ${stripe}`],
  'in a query': () => [`GET /v1?token=${stripe}&x=1`],
  'percent-encoded': () => [`GET /go?to=${encodeURIComponent(url)}`],
  'JSON in a text': () => [JSON.stringify({ url })],
  'JSON in JSON': () => [JSON.stringify({ body: JSON.stringify({ url }) })],
  'a header': () => [{ headers: { authorization: `Bearer ${stripe}` } }],
  'an object': () => [{ url }],
  'an object and a text': () => [{ url }, 'connecting'],
  'nested objects': () => [{ a: { b: { c: { d: { url } } } } }],
  'ten levels': () => [deep(10)],
  'an array': () => [{ list: ['a', url] }],
  'an array of arrays': () => [{ list: [[[url]]] }],
  'a key of an object': () => [{ [url]: 1 }],
  'a key of a Map': () => [{ map: new Map([[url, 1]]) }],
  'a value of a Map': () => [{ map: new Map([['a', { url }]]) }],
  'a Set': () => [{ set: new Set([url]) }],
  'a symbol': () => [{ symbol: Symbol(url) }],
  'a URL': () => [{ url: new URL(url) }],
  'parameters': () => [{ query: new URLSearchParams({ token: stripe }) }],
  'a Buffer': () => [{ buffer: Buffer.from(url) }],
  'a typed array': () => [{ bytes: new Uint8Array(Buffer.from(url)) }],
  'an error': () => [new Error(`connect failed: ${url}`)],
  'an error in err': () => [{ err: thrown(url) }, 'failed'],
  'a stack': () => [{ stack: thrown(url).stack }],
  'a cause': () => [new Error('outer', { cause: new Error('inner', { cause: thrown(url) }) })],
  'an AggregateError': () => [new AggregateError([thrown(url), new Error(stripe)], 'several')],
  'a field of an error': () => [Object.assign(new Error('failed'), { config: { url, headers: { key: stripe } } })],
  'an error’s name': () => [Object.assign(new Error('failed'), { name: url })],
  'a cycle': () => [cyclic()],
  'a getter that throws': () => [throwing()],
  'toJSON': () => [{ client: { toJSON: () => ({ url }) } }],
  'a class': () => [{ client: new Client() }],
  'a null prototype': () => [Object.assign(Object.create(null), { url })],
  'a template': () => [`${new Client().options.connection}`],
  'a boxed text': () => [{ text: Object(url) }],
};

/** Whether the secret is shown: as it is, or as somebody who knows how Node writes bytes would read it. */
export function shows(text) {
  const flat = text.replace(/\\"/g, '"');
  const bytes = Buffer.from(password);
  const spellings = [password, stripe, encodeURIComponent(password), bytes.toString('base64').slice(0, 16)];
  spellings.push([...bytes].map((b) => b.toString(16).padStart(2, '0')).join(' '), [...bytes].join(','));
  return spellings.some((s) => flat.includes(s)) || flat.replace(/\s|"\d+":/g, '').includes([...bytes].join(','));
}
