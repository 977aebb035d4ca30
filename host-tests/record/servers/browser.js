// Visits the sample sites with a real Chromium and has it export what it saw as HAR, bodies embedded.
// Arguments as JSON on standard input: the Chromium to run, where the HAR goes, host names and their ports.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const { executable, har, hosts } = JSON.parse(readFileSync(0, 'utf8'));
const rules = Object.entries(hosts).map(([host, port]) => `MAP ${host} 127.0.0.1:${port}`);
const browser = await chromium.launch({
  executablePath: executable,
  args: ['--no-sandbox', `--host-resolver-rules=${rules.join(', ')}`],
});
const context = await browser.newContext({
  recordHar: { path: har, content: 'embed', mode: 'full' },
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
});
const page = await context.newPage();
await page.goto('http://shop.example.test/', { waitUntil: 'networkidle' });
await page.goto('http://shop.example.test/checkout.html', { waitUntil: 'networkidle' });
await page.evaluate(() => fetch('/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"user":"zoe"}' }).then((r) => r.text()));
await page.evaluate(() => fetch('/api/status', { headers: { accept: 'application/json' } }).then((r) => r.text()));
await page.goto('http://shop.example.test/orders/1093', { waitUntil: 'networkidle' });
await page.goto('http://files.example.test/', { waitUntil: 'networkidle' });
const [download] = await Promise.all([
  page.waitForResponse('**/.env'),
  page.evaluate(() => fetch('/.env').then((response) => response.text())),
]);
// Or Chromium forgets the body before it is exported.
await download.body();
await context.close();
await browser.close();
