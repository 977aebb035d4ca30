// `node serve.mjs FOLDER [PORT]`: the files of a folder on loopback, and nothing else.

import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript', mjs: 'text/javascript', wasm: 'application/wasm' };

export function serve(folder, port = 0) {
  const server = createServer((request, response) => {
    // One folder, no deeper: a name is all that is taken from the request.
    const name = basename(new URL(request.url, 'http://x').pathname) || 'index.html';
    const file = join(folder, name);
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': TYPES[name.split('.').at(-1)] ?? 'application/octet-stream', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    return void createReadStream(file).pipe(response);
  });
  return new Promise((done) => server.listen(port, '127.0.0.1', () => done({ server, url: `http://127.0.0.1:${server.address().port}/` })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(resolve(process.argv[2]), Number(process.argv[3] ?? 0));
  process.stdout.write(`${url}\n`);
}
