// Samples. What looks like a secret is put together here, from parts that say that they are fake.

const join = (...parts) => parts.join('');
const pass = join('not-a-', 'password-4242');
const dsn = join('postgres://app:', pass, '@db.example:5432/shop');
const key = join('sk_', 'live_', '4eC39HqLyjWDarjtT1zdp7dc', 'FAKEFAKE');

export const SAMPLES = {
  'A log line': { type: 'text/plain', body: `2026-11-24T07:00:01Z ERROR cannot connect to ${dsn}: timeout\n2026-11-24T07:00:02Z INFO charged with ${key}\n` },
  'JSON': { type: 'application/json', body: JSON.stringify({ id: 7, database: dsn, payment: { key, currency: 'EUR' }, pin: 1234, note: 'Zoë' }, null, 2) },
  'Server-sent events': { type: 'text/event-stream', body: `data: {"text":"your key is "}\n\ndata: {"text":"${key}"}\n\ndata: [DONE]\n\n` },
  'A form': { type: 'application/x-www-form-urlencoded', body: `user=app&pin=1234&next=${encodeURIComponent(dsn)}` },
  'Nothing to find': { type: 'text/plain', body: 'The quick brown fox jumps over the lazy dog.\nsk_live_ and postgres:// alone are no secrets.\n' },
};

export const POLICY = `# Try: an unknown key, or mode: report
mode: enforce
detectors:
  packs: [secrets, tokens]
fields:
  - names: [pin]
    action: mask
`;
