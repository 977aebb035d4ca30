// Deep copies without secrets. The value is read once into a plan, the plan goes through the engine as one JSON document (so that
// rules for fields, paths and values that come again mean what they mean for a body), and the copy is made from what comes out.

import { descend } from './paths.js';

/** Deeper values, and those past so many, are told and not copied. */
const DEEPEST = 100;
const MOST = 100_000;

const kept = (value) => ({ kind: 'kept', value });
const text = (value, make = (t) => t) => ({ kind: 'text', value, make });
const attempt = (run, otherwise) => {
  try {
    return run();
  } catch {
    return otherwise;
  }
};
const is = (name, value) => typeof globalThis[name] === 'function' && value instanceof globalThis[name];
/** What a value is instead of the text, if that is still what it was. */
const unless = (value, was) => text(was, (t) => (t === was ? value : t));

class Reader {
  constructor(censor) {
    this.censor = censor;
    this.count = 0;
    this.above = new Map();
  }

  read(value, states) {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'bigint') return unless(value, String(value));
    if (typeof value === 'symbol') return text(value.description ?? '', (t) => (t === (value.description ?? '') ? value : Symbol(t)));
    if (typeof value !== 'object' || value === null) return kept(value);
    if (this.above.has(value)) return { kind: 'again', node: this.above.get(value) };
    if (this.above.size >= DEEPEST) return kept('[Deep]');
    if ((this.count += 1) > MOST) return kept('[Truncated]');
    return attempt(() => this.object(value, states), kept('[Unreadable]'));
  }

  object(value, states) {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return { kind: 'bytes', value };
    if (value instanceof Date) return kept(new Date(value.getTime()));
    if (value instanceof RegExp || value instanceof Boolean || value instanceof Number) return unless(value, String(value));
    if (value instanceof String) return text(String(value));
    if (is('URL', value)) return text(value.href, (t) => attempt(() => new URL(t), t));
    if (is('URLSearchParams', value)) return text(String(value), (t) => new URLSearchParams(t));
    if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) return kept(value);
    if (Array.isArray(value)) {
      return this.inside(value, { kind: 'list', items: [], shell: () => [], fill: (copy, items) => copy.push(...items) }, (node) => {
        for (let i = 0; i < value.length; i += 1) node.items.push(this.item(value, i, String(i), states));
      });
    }
    if (value instanceof Set) {
      const fill = (copy, items) => items.forEach((item) => copy.add(item));
      return this.inside(value, { kind: 'list', items: [], shell: () => bare(Set, value), fill }, (node) => {
        for (const item of Set.prototype.values.call(value)) node.items.push(this.read(item, states));
      });
    }
    if (value instanceof Map) return this.map(value, states);
    if (is('Headers', value)) return this.fields(value, [...value], states, () => new Headers(), (copy, k, v) => copy.append(k, v));
    if (value instanceof Error) return this.error(value, states);
    const toJSON = value.toJSON;
    if (typeof toJSON === 'function') {
      const plain = toJSON.call(value);
      if (plain !== value) return this.inside(value, { kind: 'alias' }, (node) => { node.node = this.read(plain, states); });
    }
    return this.fields(value, own(value), states, () => Object.create(Object.getPrototypeOf(value)), define(true));
  }

  /** While what is inside is read, the same value again is a cycle. */
  inside(value, node, read) {
    this.above.set(value, node);
    try {
      read(node);
    } finally {
      this.above.delete(value);
    }
    return node;
  }

  item(from, key, name, states) {
    if (!states.length) return this.read(attempt(() => from[key], '[Unreadable]'), states);
    const { states: below, hit } = descend(states, name);
    const value = attempt(() => from[key], '[Unreadable]');
    if (!hit || value === undefined) return this.read(value, below);
    return kept(typeof this.censor === 'function' ? this.censor(value) : this.censor);
  }

  fields(value, keys, states, shell, put) {
    const named = Array.isArray(keys[0]);
    const node = { kind: 'fields', keys: [], items: [], shell, fill: (copy, items, names) => items.forEach((item, i) => put(copy, names[i], item)) };
    return this.inside(value, node, () => {
      for (const entry of keys) {
        const [key, from] = named ? [entry[0], { [entry[0]]: entry[1] }] : [entry, value];
        node.keys.push(key);
        node.items.push(this.item(from, key, String(typeof key === 'symbol' ? key.description : key), states));
      }
    });
  }

  error(value, states) {
    const hidden = ['message', 'stack', 'cause', 'errors', 'name'].filter((key) => Object.hasOwn(value, key));
    const keys = [...hidden, ...own(value).filter((key) => !hidden.includes(key))];
    const shell = () => Object.setPrototypeOf(new Error(), Object.getPrototypeOf(value));
    const put = (copy, key, item) => define(attempt(() => Object.getOwnPropertyDescriptor(value, key).enumerable, true))(copy, key, item);
    const fill = put;
    return this.fields(value, keys, states, shell, fill);
  }

  map(value, states) {
    const node = { kind: 'list', items: [], shell: () => bare(Map, value), fill: (copy, items) => items.forEach(([k, v]) => copy.set(k, v)) };
    return this.inside(value, node, () => {
      for (const [key, item] of Map.prototype.entries.call(value)) {
        if (typeof key === 'string') {
          const pair = { kind: 'fields', keys: [key], items: [this.item({ [key]: item }, key, key, states)] };
          node.items.push({ ...pair, shell: () => [], fill: (copy, items, names) => copy.push(names[0], items[0]) });
        } else {
          const pair = { kind: 'list', items: [this.read(key, []), this.read(item, [])], shell: () => [] };
          node.items.push({ ...pair, fill: (copy, items) => copy.push(...items) });
        }
      }
    });
  }
}

const bare = (kind, value) => Object.setPrototypeOf(new kind(), Object.getPrototypeOf(value));
const define = (enumerable) => (copy, key, value) =>
  Object.defineProperty(copy, key, { value, enumerable, writable: true, configurable: true });

function own(value) {
  const shown = (key) => attempt(() => Object.getOwnPropertyDescriptor(value, key)?.enumerable, false);
  return Reflect.ownKeys(value).filter(shown);
}

function write(node, to) {
  switch (node.kind) {
    case 'text':
      to.push(JSON.stringify(node.value));
      break;
    case 'list':
      to.push('[');
      node.items.forEach((item, i) => (i && to.push(','), write(item, to)));
      to.push(']');
      break;
    case 'fields':
      to.push('{');
      node.items.forEach((item, i) => {
        const key = node.keys[i];
        to.push(i ? ',' : '', JSON.stringify(typeof key === 'symbol' ? (key.description ?? '') : key), ':');
        write(item, to);
      });
      to.push('}');
      break;
    case 'alias':
      write(node.node, to);
      break;
    default:
      to.push(String(written(node)));
  }
}

/** What stands in the document for a value that is neither text nor has parts. */
function written({ kind, value }) {
  if (kind === 'list' || kind === 'fields') return undefined;
  return typeof value === 'boolean' || Number.isFinite(value) ? value : null;
}

/** Reads what came out, as far as it is what the plan says; where a whole value was replaced, that is what it becomes. */
class Output {
  constructor(json) {
    this.json = json;
    this.at = 0;
  }

  eat(mark) {
    if (this.json[this.at] !== mark) return false;
    this.at += 1;
    return true;
  }

  must(mark) {
    if (!this.eat(mark)) throw new SyntaxError('keepmum: the document fell apart');
  }

  scalar() {
    const found = /"(?:[^"\\]|\\.)*"|[-+.\w]+/sy;
    found.lastIndex = this.at;
    const [all] = found.exec(this.json) ?? [];
    if (all === undefined) throw new SyntaxError('keepmum: the document fell apart');
    this.at += all.length;
    return JSON.parse(all);
  }

  take(node) {
    if (node.kind === 'alias') return (node.result = this.take(node.node));
    if (node.kind === 'list' && this.eat('[')) {
      node.items.forEach((item, i) => { if (i) this.must(','); this.take(item); });
      this.must(']');
    } else if (node.kind === 'fields' && this.eat('{')) {
      node.names = node.keys.map((key, i) => {
        if (i) this.must(',');
        const name = this.scalar();
        this.must(':');
        this.take(node.items[i]);
        return typeof key !== 'symbol' ? name : name === (key.description ?? '') ? key : Symbol(name);
      });
      this.must('}');
    } else {
      const value = this.scalar();
      if (node.kind === 'text') node.value = typeof value === 'string' ? value : String(value ?? '');
      else if (value !== written(node)) node.instead = value;
    }
    return undefined;
  }
}

function make(node, redactor) {
  if ('instead' in node) return node.instead;
  switch (node.kind) {
    case 'text':
      return node.make(node.value);
    case 'bytes':
      return bytes(node.value, redactor);
    case 'alias':
      return make(node.node, redactor);
    case 'again':
      return node.node.copy ?? '[Circular]';
    case 'kept':
      return node.value;
    default:
      node.copy = node.shell();
      node.fill(node.copy, node.items.map((item) => make(item, redactor)), node.names ?? node.keys);
      return node.copy;
  }
}

function bytes(value, redactor) {
  const findings = redactor.redactBytes(value);
  if (findings.constructor === value.constructor) return findings;
  if (value instanceof DataView) return new DataView(findings.buffer, findings.byteOffset, findings.byteLength);
  const whole = findings.byteLength % (value.BYTES_PER_ELEMENT ?? 1) === 0;
  return whole ? new value.constructor(findings.slice().buffer) : findings;
}

/** Texts one by one, where the document came out as none. */
function apart(node, redactor) {
  if (node.kind === 'text') node.value = redactor.redact(node.value);
  node.items?.forEach((item) => apart(item, redactor));
  if (node.kind === 'fields') node.names = node.keys.map((key) => (typeof key === 'string' ? redactor.redact(key) : key));
  if (node.kind === 'alias') apart(node.node, redactor);
}

export function redactObject(redactor, value, paths, censor) {
  const plan = new Reader(censor).read(value, paths);
  const parts = [];
  write(plan, parts);
  const json = parts.join('');
  const { text: out } = redactor.inspect(json, { contentType: 'application/json' });
  if (out !== json) {
    try {
      const output = new Output(out);
      output.take(plan);
      if (output.at !== out.length) throw new SyntaxError('keepmum: the document goes on');
    } catch {
      apart(plan, redactor);
    }
  }
  return make(plan, redactor);
}
