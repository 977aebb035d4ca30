// The page. It keeps its state in the fragment, which browsers do not send, and asks nobody for anything but its own files.

import { createRedactor, init, policySchema, PolicyError } from '../src/browser.js';
import { POLICY, SAMPLES } from './samples.js';

const at = (id) => document.getElementById(id);
const el = (name, text, more = {}) => Object.assign(document.createElement(name), { textContent: text, ...more });
const encoder = new TextEncoder();
const MOST_CHUNKS = 400;

let redactor;
let har = [];

function compile() {
  const state = at('policy-state');
  try {
    redactor = createRedactor(at('policy').value);
    at('mistakes').replaceChildren();
    at('policy').removeAttribute('aria-invalid');
    state.textContent = `${redactor.detectors.length} detectors armed`;
    return true;
  } catch (error) {
    const mistakes = error instanceof PolicyError ? error.mistakes : [{ path: '.', why: 'it cannot be read' }];
    at('mistakes').replaceChildren(...mistakes.map(({ path, why }) => {
      const item = el('li', '');
      item.append(el('code', path), `: ${why}`);
      return item;
    }));
    at('policy').setAttribute('aria-invalid', 'true');
    state.textContent = mistakes.length === 1 ? '1 mistake; the last good policy holds' : `${mistakes.length} mistakes; the last good policy holds`;
    return false;
  }
}

const reason = ({ detector, action }) => {
  if (detector === 'field') return 'a field that the policy names';
  if (detector.startsWith('known-secret')) return 'an exact secret';
  return action === 'report' ? 'matches the detector; only told' : 'matches the detector and passes its checks';
};

function run() {
  if (!redactor) return;
  const input = at('input').value;
  const contentType = at('type').value || undefined;
  const begun = performance.now();
  const { text, findings } = redactor.inspect(input, { contentType });
  const took = performance.now() - begun;
  const bytes = encoder.encode(input).length;
  const rate = bytes && took ? `, ${(bytes / 1000 / took).toFixed(0)} MB/s` : '';
  at('timing').textContent = `${findings.length} found · ${bytes} bytes in ${took.toFixed(2)} ms${rate}`;
  mark(input, findings);
  at('out').textContent = text;
  differ(input, text);
  cut(input, contentType, text);
}

function mark(input, findings) {
  const parts = [];
  let last = 0;
  for (const finding of [...findings].sort((a, b) => a.start - b.start)) {
    if (finding.start < last) continue;
    const found = el('mark', input.slice(finding.start, finding.end));
    found.title = `${finding.detector}: ${reason(finding)}`;
    found.append(el('small', finding.detector));
    parts.push(input.slice(last, finding.start), found);
    last = finding.end;
  }
  at('marked').replaceChildren(...parts, input.slice(last));
  rows('list', findings.map((f) => [f.detector, f.action, f.start, f.end, reason(f)]), 'Nothing was found.');
}

function rows(id, all, none) {
  const row = (cells) => {
    const line = el('tr', '');
    line.append(...cells.map((cell) => el('td', String(cell))));
    return line;
  };
  const empty = el('tr', '', { className: 'empty' });
  empty.append(el('td', none, { colSpan: 5 }));
  at(id).tBodies[0].replaceChildren(...(all.length ? all.map(row) : [empty]));
}

/** By words: what both have in common at both ends of each line, and what stands between. */
function differ(before, after) {
  const [a, b] = [before.split('\n'), after.split('\n')];
  if (a.length !== b.length) {
    at('diff').replaceChildren(el('del', before), '\n', el('ins', after));
    return;
  }
  at('diff').replaceChildren(...a.flatMap((old, i) => {
    const now = b[i];
    const end = i + 1 < a.length ? '\n' : '';
    if (old === now) return [old + end];
    let from = 0;
    while (from < old.length && from < now.length && old[from] === now[from]) from += 1;
    let same = 0;
    while (same < old.length - from && same < now.length - from && old.at(-1 - same) === now.at(-1 - same)) same += 1;
    const mid = (s) => s.slice(from, s.length - same);
    return [old.slice(0, from), el('del', mid(old)), el('ins', mid(now)), old.slice(old.length - same) + end];
  }));
}

function cut(input, contentType, whole) {
  const bytes = encoder.encode(input);
  const size = Math.min(4096, Math.max(1, Number(at('size').value) || 1));
  const body = redactor.body({ contentType });
  const decoder = new TextDecoder();
  const shown = (part) => JSON.stringify(new TextDecoder().decode(part)).slice(1, -1);
  const table = [];
  let out = '';
  let number = 0;
  try {
    for (let from = 0; from < bytes.length; from += size) {
      const piece = bytes.subarray(from, from + size);
      const step = body.push(piece);
      out += decoder.decode(step.bytes, { stream: true });
      number += 1;
      if (number <= MOST_CHUNKS) table.push([number, shown(piece), shown(step.bytes), step.held]);
    }
    const step = body.end();
    out += decoder.decode(step.bytes);
    table.push(['end', '', shown(step.bytes), 0]);
    at('same').textContent = out === whole ? 'The same as in one piece.' : 'Other than in one piece.';
  } catch {
    at('same').textContent = 'The policy blocks it: nothing more leaves.';
  }
  rows('chunks', table, 'Nothing came.');
}

/** The names that the schema has for an object at this place of a YAML policy, by the keys above it. */
function names(schema) {
  const found = { '': [] };
  const follow = (node) => (node?.$ref ? schema.$defs[node.$ref.split('/').at(-1)] : node);
  const walk = (node, path, depth) => {
    const here = follow(node);
    if (!here || depth > 6) return;
    for (const part of [...(here.anyOf ?? []), ...(here.oneOf ?? []), ...(here.allOf ?? [])]) walk(part, path, depth + 1);
    if (here.items) walk(here.items, path, depth + 1);
    for (const value of here.enum ?? []) (found[path] ??= []).push(String(value));
    for (const [name, below] of Object.entries(here.properties ?? {})) {
      (found[path] ??= []).push(`${name}: `);
      walk(below, path ? `${path}.${name}` : name, depth + 1);
    }
  };
  walk(schema, '', 0);
  return found;
}

function place() {
  const { value, selectionStart } = at('policy');
  const lines = value.slice(0, selectionStart).split('\n');
  const line = lines.at(-1);
  const indent = (text) => /^[\s-]*/.exec(text)[0].length;
  const path = [];
  const inline = /^[\s-]*([\w]+):\s/.exec(line);
  let below = inline ? indent(line) : indent(line) + (line.trim() ? 0 : 0);
  if (inline) path.unshift(inline[1]);
  for (const above of lines.slice(0, -1).reverse()) {
    const key = /^[\s-]*([\w]+):/.exec(above);
    if (key && indent(above) < below) {
      path.unshift(key[1]);
      below = indent(above);
    }
  }
  return { path: path.join('.'), word: /[\w-]*$/.exec(line)[0] };
}

function complete(known) {
  const list = at('complete');
  const policy = at('policy');
  const close = () => { list.hidden = true; policy.removeAttribute('aria-activedescendant'); };
  const select = (i) => {
    const all = [...list.children];
    all.forEach((item, n) => item.setAttribute('aria-selected', String(n === i)));
    all[i].scrollIntoView({ block: 'nearest' });
    policy.setAttribute('aria-activedescendant', all[i].id);
  };
  const take = (text) => {
    const { word } = place();
    policy.setRangeText(text, policy.selectionStart - word.length, policy.selectionStart, 'end');
    close();
    policy.focus();
    policy.dispatchEvent(new Event('input'));
  };
  const open = () => {
    const { path, word } = place();
    const fits = [...new Set(known[path] ?? [])].filter((name) => name.startsWith(word)).sort();
    if (!fits.length) return close();
    list.replaceChildren(...fits.map((name, i) => {
      const item = el('li', name, { id: `c-${i}`, onclick: () => take(name) });
      item.setAttribute('role', 'option');
      return item;
    }));
    list.hidden = false;
    return select(0);
  };
  policy.addEventListener('blur', () => setTimeout(close, 200));
  policy.addEventListener('keydown', (event) => {
    if (event.ctrlKey && event.key === ' ') {
      event.preventDefault();
      open();
    } else if (!list.hidden) {
      const all = [...list.children];
      const now = all.findIndex((item) => item.getAttribute('aria-selected') === 'true');
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) select((now + step + all.length) % all.length);
      else if (event.key === 'Enter' || event.key === 'Tab') take(all[now].textContent);
      else if (event.key === 'Escape') close();
      else return;
      event.preventDefault();
    }
  });
}

function show(body, type) {
  at('input').value = body;
  at('type').value = type;
  run();
}

async function open(file) {
  const text = await file.text();
  har = [];
  try {
    har = JSON.parse(text).log.entries.filter(({ response }) => response?.content?.text);
  } catch {
    // A text, then.
  }
  at('entries-l').hidden = har.length === 0;
  if (!har.length) return show(text, '');
  at('entries').replaceChildren(...har.map(({ request, response }, i) => el('option', `${request.method} ${request.url} ${response.status}`, { value: i })));
  return entry();
}

function entry() {
  const { text, encoding, mimeType } = har[Number(at('entries').value)].response.content;
  const body = encoding === 'base64' ? new TextDecoder().decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0))) : text;
  show(body, mimeType ?? '');
}

const pack = (state) => btoa(String.fromCharCode(...encoder.encode(JSON.stringify(state)))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
function unpack(text) {
  try {
    const bytes = Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
}

async function link() {
  const bytes = encoder.encode(at('policy').value + at('input').value).length;
  if (bytes > 30_000) {
    at('said').textContent = 'Too much for a link.';
    return;
  }
  location.hash = pack({ policy: at('policy').value, type: at('type').value, body: at('input').value });
  try {
    await navigator.clipboard.writeText(location.href);
    at('said').textContent = 'Copied. Whoever has the link has the body.';
  } catch {
    at('said').textContent = 'It is in the address bar. Whoever has the link has the body.';
  }
}

function tabs() {
  const all = [...at('tabs').children];
  const choose = (tab) => {
    for (const other of all) {
      const on = other === tab;
      other.setAttribute('aria-selected', String(on));
      other.tabIndex = on ? 0 : -1;
      at(other.getAttribute('aria-controls')).hidden = !on;
    }
    tab.focus();
  };
  all.forEach((tab, i) => {
    tab.addEventListener('click', () => choose(tab));
    tab.addEventListener('keydown', ({ key }) => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: all.length - 1 }[key];
      if (to !== undefined) choose(all[(to + all.length) % all.length]);
    });
  });
}

await init(new URL('./engine.wasm', import.meta.url));
at('sample').replaceChildren(...Object.keys(SAMPLES).map((name) => el('option', name)));
const first = Object.values(SAMPLES)[0];
const { policy = POLICY, type = first.type, body = first.body } = unpack(location.hash.slice(1));
at('policy').value = policy;
tabs();
complete(names(policySchema()));
compile();
show(body, type);
at('policy').addEventListener('input', () => { if (compile()) run(); });
for (const id of ['input', 'type', 'size']) at(id).addEventListener('input', run);
at('sample').addEventListener('change', () => { const { body: b, type: t } = SAMPLES[at('sample').value]; show(b, t); });
at('entries').addEventListener('change', entry);
at('file').addEventListener('change', () => at('file').files[0] && open(at('file').files[0]));
at('link').addEventListener('click', link);
for (const name of ['dragover', 'drop']) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.toggle('over', name === 'dragover');
    if (name === 'drop' && event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
  });
}
document.documentElement.dataset.ready = 'true';
