// The page in a real browser: typing, mistakes, a HAR, the link, the keyboard, axe-core.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { serve } from '../serve.mjs';
import { password, resolve, url } from './common.mjs';

const executablePath = process.env.KEEPMUM_CHROMIUM;
const skip = executablePath ? false : 'there is no Chromium';
const shots = process.env.KEEPMUM_SHOTS;
const made = dirname(process.env.KEEPMUM_TARBALL);
let browser;
let page;
let site;
const errors = [];

before(async () => {
  if (skip) return;
  mkdirSync(shots, { recursive: true });
  site = await serve(join(made, 'playground'));
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  page = await open();
});

after(async () => {
  await browser?.close();
  site?.server.close();
});

async function open(options, hash = '') {
  const fresh = await browser.newPage(options);
  fresh.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  fresh.on('pageerror', (error) => errors.push(error.message));
  fresh.on('request', (request) => request.url().startsWith(site.url) || request.url().startsWith('data:') || errors.push('it asked elsewhere'));
  await fresh.goto(site.url + hash);
  await fresh.waitForSelector('html[data-ready]');
  return fresh;
}

test('what is typed is redacted, marked and told', { skip }, async () => {
  await page.fill('#input', `é ${url} end`);
  assert.equal(await page.textContent('#out'), 'é postgres://app:[REDACTED:postgres-url-password]@db.example/shop end');
  assert.equal(await page.textContent('#marked mark'), `${password}postgres-url-password`);
  assert.match(await page.textContent('#list tbody'), /postgres-url-password.*label/s);
  await page.click('#t-diff');
  assert.equal(await page.textContent('#diff del'), password);
});

test('chunks give the same as one piece, and show what is held', { skip }, async () => {
  await page.click('#t-cut');
  for (const size of ['1', '7', '64']) {
    await page.fill('#size', size);
    assert.equal(await page.textContent('#same'), 'The same as in one piece.');
  }
  await page.fill('#size', '8');
  const held = await page.$$eval('#chunks tbody tr td:last-child', (cells) => cells.map((c) => Number(c.textContent)));
  assert.ok(Math.max(...held) > 0 && held.at(-1) === 0);
});

test('mistakes name the field, and the last good policy holds', { skip }, async () => {
  await page.fill('#policy', 'feilds: []\nmode: maybe\n');
  assert.equal(await page.locator('#mistakes li').count(), 2);
  assert.match(await page.textContent('#mistakes'), /feilds: no such key/);
  assert.equal(await page.getAttribute('#policy', 'aria-invalid'), 'true');
  await page.screenshot({ path: join(shots, 'mistakes.png'), fullPage: true });
  await page.fill('#policy', '');
  assert.equal(await page.locator('#mistakes li').count(), 0);
});

test('names are completed from the schema with the keyboard', { skip }, async () => {
  await page.fill('#policy', '');
  await page.focus('#policy');
  await page.keyboard.type('detectors:\n  pa');
  await page.keyboard.press('Control+Space');
  assert.deepEqual(await page.$$eval('#complete li', (items) => items.map((i) => i.textContent)), ['packs: ']);
  await page.keyboard.press('Enter');
  await page.keyboard.type('[tokens]');
  assert.equal(await page.inputValue('#policy'), 'detectors:\n  packs: [tokens]');
  assert.equal(await page.locator('#mistakes li').count(), 0);
  await page.fill('#policy', '');
});

test('tabs go by arrows', { skip }, async () => {
  await page.focus('#t-found');
  await page.click('#t-found');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.getAttribute('#t-out', 'aria-selected'), 'true');
  assert.ok(await page.isVisible('#v-out'));
});

test('a HAR is dropped', { skip }, async () => {
  const entry = (text, encoding) => ({ request: { method: 'GET', url: 'https://a.example/x' }, response: { status: 200, content: { text, encoding, mimeType: 'application/json' } } });
  const har = JSON.stringify({ log: { entries: [entry('{"a":1}'), entry(Buffer.from(JSON.stringify({ url })).toString('base64'), 'base64')] } });
  const data = await page.evaluateHandle((text) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], 'x.har'));
    return transfer;
  }, har);
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
  await page.waitForSelector('#entries-l:not([hidden])');
  await page.selectOption('#entries', '1');
  assert.equal(await page.inputValue('#type'), 'application/json');
  assert.match(await page.textContent('#out'), /REDACTED:postgres-url-password/);
});

test('the link carries the state', { skip }, async () => {
  await page.fill('#policy', 'mode: report\n');
  await page.fill('#input', `ü ${url}`);
  await page.click('#link');
  const hash = new URL(page.url()).hash;
  assert.ok(hash.length > 10);
  const other = await open({}, hash);
  assert.equal(await other.inputValue('#policy'), 'mode: report\n');
  assert.equal(await other.inputValue('#input'), `ü ${url}`);
  assert.match(await other.textContent('#list tbody'), /report/);
  await other.close();
  const broken = await open({}, '#%%%not-a-state');
  assert.match(await broken.textContent('#policy-state'), /armed/);
  await broken.close();
});

const LOOKS = { light: [1280, 'light'], dark: [1280, 'dark'], phone: [390, 'light'], 'phone-dark': [390, 'dark'] };

test('axe-core has nothing to say, and nothing is wider than the screen', { skip }, async () => {
  const axe = readFileSync(resolve('axe-core/axe.min.js'), 'utf8');
  for (const [name, [width, colorScheme]] of Object.entries(LOOKS)) {
    // For axe alone the page's own policy has to let a script in.
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
    const fresh = await context.newPage();
    await fresh.goto(site.url);
    await fresh.waitForSelector('html[data-ready]');
    for (const tab of ['found', 'out', 'diff', 'cut']) {
      await fresh.click(`#t-${tab}`);
      await fresh.evaluate(axe);
      const { violations } = await fresh.evaluate(() => globalThis.axe.run());
      assert.deepEqual(violations.map(({ id, nodes }) => `${name} ${tab} ${id}: ${nodes[0].html}`), []);
      assert.ok(await fresh.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} ${tab}`);
      await fresh.screenshot({ path: join(shots, `${name}-${tab}.png`), fullPage: true });
    }
    await context.close();
  }
});

test('nothing went wrong on the way, and nobody else was asked', { skip }, () => assert.deepEqual(errors, []));
