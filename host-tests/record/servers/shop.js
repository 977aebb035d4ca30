// The sample shop: an Express application that leaks in the ways in which applications leak.
// Plants arrive as JSON on standard input, so that no process list shows them and no file here holds one.
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import express from 'express';
import { customers } from './customers.js';

const { plants, site, port, refused } = JSON.parse(readFileSync(0, 'utf8'));
const app = express();
const databaseUrl = `postgres://shop_app:${plants['orders-db-password']}@orders-db.internal:5432/orders?sslmode=require`;

// Written one by one, a pause between: each becomes one chunk as Envoy reads it.
async function trickle(response, pieces, pause) {
  for (const piece of pieces) {
    response.write(piece);
    await sleep(pause);
  }
}

// A pool whose first connection was refused, and which says so at every query.
const pool = {
  failure: await new Promise((resolve) => createConnection({ host: '127.0.0.1', port: refused }).on('error', resolve)),
  query(sql) {
    // The mistake: the error text carries the connection string, and Express's own handler prints the stack.
    throw new Error(`${sql.split(' ')[0]} failed: cannot reach ${databaseUrl}: ${this.failure.code}`, { cause: this.failure });
  },
};

function loadOrder(id) {
  return pool.query(`SELECT * FROM orders WHERE id = ${Number(id)}`);
}

app.get('/orders/:id', (request, response) => response.json(loadOrder(request.params.id)));

app.get('/login/callback', (request, response) => {
  const token = plants['github-oauth-token'];
  response.redirect(`https://shop.example.test/signed-in?state=${request.query.state}&access_token=${token}&scope=repo`);
});

app.post('/session', (request, response) => {
  response.append('Set-Cookie', 'theme=dark; Path=/; Max-Age=31536000');
  response.append('Set-Cookie', `session=${plants['session-jwt']}; Path=/; HttpOnly; Secure; SameSite=Lax`);
  response.append('Set-Cookie', 'cart=3f9a; Path=/cart; SameSite=Strict');
  response.json({ signedIn: true, user: { id: 42, name: 'Zoë Ångström' } });
});

// Asked again, it pauses longer: on a busy machine Envoy may read two pieces as one, and the recorder then repeats.
let listings = 0;
app.get('/api/customers', async (request, response) => {
  const body = Buffer.from(customers(plants));
  response.type('json');
  const pieces = [];
  for (let at = 0; at < body.length; at += 16384) pieces.push(body.subarray(at, at + 16384));
  await trickle(response, pieces, 5 * 2 ** listings++);
  response.end();
});

app.get('/events', async (request, response) => {
  response.set({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const steps = [
    ': connected\n\n',
    'event: progress\nid: 1\ndata: {"step":"clone","done":12}\n\n',
    'event: progress\nid: 2\ndata: {"step":"build","done":61}\n\n',
    `event: log\nid: 3\ndata: {"line":"notify: using SLACK_BOT_TOKEN=${plants['slack-event-token']} for #deploys"}\n\n`,
    'event: progress\nid: 4\ndata: {"step":"deploy","done":98}\n\n',
    'event: end\nid: 5\ndata: {"ok":true}\n\n',
  ];
  await trickle(response, steps, 25);
  response.end();
});

app.get('/export.csv', async (request, response) => {
  response.type('csv');
  response.set('Trailer', 'x-rows, x-exported-from');
  await trickle(response, ['sku,stock,price\n', 'KM-001,12,19.90\nKM-002,0,4.50\n', 'KM-003,7,129.00\n'], 25);
  response.addTrailers({
    'x-rows': '3',
    'x-exported-from': `https://exporter:${plants['trailer-deploy-password']}@stock.internal/api/v2`,
  });
  response.end();
});

app.get('/api/assistant', async (request, response) => {
  response.status(401).type('json');
  const key = plants['split-openai-key'];
  const text = JSON.stringify({
    error: { message: `Incorrect API key provided: ${key}. You can find your API key in the dashboard.`, code: 'invalid_api_key' },
  });
  // Cut in the middle of the key, as a proxy's buffer would.
  const cut = text.indexOf(key) + 61;
  await trickle(response, [text.slice(0, cut), text.slice(cut)], 40);
  response.end();
});

app.get('/logs/build', async (request, response) => {
  response.type('text');
  await trickle(response, [
    '09:00:01 clone https://github.com/example/shop\n',
    `09:00:02 export GITHUB_TOKEN=${plants['github-reset-token']}\n09:00:03 npm ci\n`,
    '09:00:09 added 85 packages in 6s\n09:00:10 npm run bui',
  ], 40);
  response.socket.resetAndDestroy();
});

app.get('/oauth/token', (request, response) => {
  // GitHub answers its token exchange as a form unless JSON is asked for.
  response.type('application/x-www-form-urlencoded');
  response.send(`access_token=${plants['github-classic-token']}&scope=repo%2Cread%3Aorg&token_type=bearer`);
});

app.get('/api/status', (request, response) => {
  // Compressed by the server itself: HAR holds it decoded, and still lists the header.
  const text = JSON.stringify({
    ok: true,
    queue: { pending: 3, broker: `amqp://worker:${plants['broker-password']}@mq.internal:5672/jobs` },
    uptime: 86400,
  });
  response.set({ 'content-type': 'application/json', 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
  response.end(gzipSync(text));
});

app.delete('/cart', (request, response) => response.status(204).end());
app.use(express.static(site, { index: 'index.html' }));

app.listen(port, '127.0.0.1');
