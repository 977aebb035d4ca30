// `node bench.mjs PROJECT TARBALL`: the package's figures. Each is the median of several runs in one process, but for the cold start,
// which is the median of new processes.

import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import pino from 'pino';

const [project, tarball] = process.argv.slice(2);
const { createRedactor, pinoHooks } = createRequire(join(project, 'x.js'))('keepmum');
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const print = (name, value) => process.stdout.write(`${name.padEnd(58)} ${value}\n`);

print('package, packed', `${Math.ceil(statSync(tarball).size / 1024)} KiB`);

const cold = "const t = performance.now(); const k = require('keepmum'); const u = performance.now(); k.createRedactor(); console.log([u - t, performance.now() - u].join())";
const starts = Array.from({ length: 15 }, () => execFileSync(process.execPath, ['-e', cold], { cwd: project, encoding: 'utf8' }).split(',').map(Number));
print('require, cold', `${median(starts.map(([a]) => a)).toFixed(1)} ms`);
print('createRedactor(), cold', `${median(starts.map(([, b]) => b)).toFixed(1)} ms`);

const record = (i) => ({ req: { id: i, method: 'GET', url: `/api/orders/${i}?expand=items`, headers: { host: 'shop.example', 'user-agent': 'Mozilla/5.0 (X11; Linux)' } }, user: { id: 551, password: 'x' }, ms: 12 });
let sample = '';
pino({}, { write: (line) => { sample += line; } }).info(record(1234), 'order listed for the shop of the user, from the cache');
print('a line', `${sample.length} bytes`);

const redactor = createRedactor();
const log = sample.repeat(Math.ceil(100_000 / sample.length));
const speed = () => {
  const begun = performance.now();
  for (let i = 0; i < 100; i += 1) redactor.redact(log);
  return (log.length * 100) / 1e3 / (performance.now() - begun);
};
Array.from({ length: 5 }, speed);
print('100 KB of log text', `${median(Array.from({ length: 9 }, speed)).toFixed(0)} MB/s`);

const nowhere = { write() {} };
const paths = ['req.headers.cookie', 'req.headers.authorization', 'user.password'];
const file = () => pino.destination({ dest: '/dev/null', sync: true });
const loggers = {
  'pino to a file': pino({}, file()),
  'pino to a file, its own redact of three paths': pino({ redact: paths }, file()),
  'pino to a file with keepmum, every line scanned': pino({ hooks: pinoHooks(redactor) }, file()),
  'pino to nowhere': pino({}, nowhere),
  'pino to nowhere, its own redact of three paths': pino({ redact: paths }, nowhere),
  'pino to nowhere with keepmum, every line scanned': pino({ hooks: pinoHooks(redactor) }, nowhere),
};
const one = (logger) => {
  const begun = performance.now();
  for (let i = 0; i < 20_000; i += 1) logger.info(record(i), 'order listed for the shop of the user, from the cache');
  return ((performance.now() - begun) / 20_000) * 1e3;
};
const times = Object.fromEntries(Object.keys(loggers).map((name) => [name, []]));
// In turns, so that what else the machine does meets all of them.
for (let round = 0; round < 12; round += 1) for (const [name, logger] of Object.entries(loggers)) times[name].push(one(logger));
for (const [name, all] of Object.entries(times)) {
  const plain = median(times[name.includes('file') ? 'pino to a file' : 'pino to nowhere'].slice(2));
  const time = median(all.slice(2));
  print(name, `${time.toFixed(2)} µs a line, ${(time / plain).toFixed(2)} ×`);
}
