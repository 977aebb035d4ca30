// A customer list of over a mebibyte, the same each time, in which four notes hold what no note should.

function escaped(text) {
  return Array.from(Buffer.from(text), (byte) => `\\u${byte.toString(16).padStart(4, '0')}`).join('');
}

// Numerical Recipes' generator: the list must not depend on Node's own randomness.
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const first = ['Ada', 'Björn', 'Chloé', 'Dmitri', 'Esperança', 'Fatma', 'Grzegorz', 'Hana', 'Ilse', 'Júlia', 'Kenji', 'Łucja'];
const last = ['Abe', 'Berg', 'Castro', 'Dubois', 'Eriksen', 'Fischer', 'García', 'Horváth', 'Ito', 'Jansen', 'Kowalska', '李'];
const notes = [
  'asked for an invoice by post',
  'prefers delivery in the evening',
  'returned KM-002, refunded in full',
  'moved; new address confirmed by phone',
  '',
];

/** The list as JSON text. Notes are written as JSON here, so that each escape is exactly as intended. */
export function customers(plants) {
  const next = numbers(42);
  const planted = {
    700: JSON.stringify(`pasted by support: ${plants['github-list-token']} (revoke?)`),
    // As PHP writes JSON: every slash escaped.
    1900: `"webhook https:\\/\\/hooks.slack.com\\/services\\/T0KEEPMUM\\/B0KEEPMUM\\/${plants['slack-webhook-tail']}"`,
    3100: `"billing key ${escaped(plants['stripe-list-key'])} (rotated)"`,
    4400: `"import from postgres:\\/\\/crm:${plants['list-db-password']}@crm-db.internal:5432\\/crm failed"`,
  };
  const rows = [];
  for (let id = 1; id <= 5600; id++) {
    const name = `${first[next(first.length)]} ${last[next(last.length)]}`;
    const row = {
      id,
      name,
      email: `customer${id}@example.test`,
      ref: Array.from({ length: 4 }, () => next(65536).toString(16).padStart(4, '0')).join('-'),
      balance: (next(2_000_000) - 500_000) / 100,
      tags: [['new', 'vip', 'b2b', 'dormant'][next(4)], `region-${next(16)}`],
      since: `20${10 + next(16)}-0${1 + next(9)}-1${next(10)}`,
    };
    const note = planted[id] ?? JSON.stringify(notes[next(notes.length)]);
    rows.push(`${JSON.stringify(row).slice(0, -1)},"note":${note}}`);
  }
  return `{"total":${rows.length},"customers":[\n${rows.join(',\n')}\n]}\n`;
}
