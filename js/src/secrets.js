// A guard for `process.env`: what must be there is, and is armed as exact values, so that it is found in every spelling and with
// nothing that announces it. The redactor keeps fingerprints; the values stay where they were.

import { MissingSecretsError } from './errors.js';

/** Shorter values would be found in innocent text. */
const SHORTEST = 8;
/** Longer ones are not looked for. */
const LONGEST = 16 * 1024;
const PLACEHOLDER = /^(?:change[-_]?me|replace[-_]?me|your[-_]|todo|<.*>$|\$\{.*\}$|\{\{.*\}\}$|[x*.?\-_0]+$)/i;
const WORD = /^(?:true|false|null|none|undefined|default|disabled|enabled|localhost|production|development|staging|postgres|password|passwort|secret|administrator|anonymous|test|example)[\d!.?]*$/i;

function refusal(value) {
  if (value === undefined) return 'is missing';
  if (value.trim() === '') return 'is empty';
  if (Buffer.byteLength(value) < SHORTEST) return `is shorter than ${SHORTEST} bytes: it would be found in innocent text`;
  if (Buffer.byteLength(value) > LONGEST) return 'is longer than 16 KiB';
  if (PLACEHOLDER.test(value)) return 'is a placeholder';
  if (WORD.test(value) || /^[\d+\-.,:/ ]{1,19}$/.test(value)) return 'could be guessed';
  if (new Set(value).size < 4) return 'could be guessed';
  return undefined;
}

/** The password of a URL is a secret of its own. */
function parts(name, value) {
  const all = [[`env:${name}`, value]];
  try {
    const url = new URL(value);
    for (const part of [url.password, decodeURIComponent(url.password)]) {
      if (part && refusal(part) === undefined && all.every(([, other]) => other !== part)) all.push([`env:${name}#password`, part]);
    }
  } catch {
    // It is none.
  }
  return all;
}

/** What each redactor has been asked for. */
const asked = new WeakMap();

/** Throws `MissingSecretsError`, which names all that is missing, or arms the values. Returns them by name. */
export function requireSecrets(names, { redactor, env = process.env } = {}) {
  const wrong = names.map((name) => ({ name, why: refusal(env[name]) })).filter(({ why }) => why !== undefined);
  if (wrong.length) throw new MissingSecretsError(wrong);
  if (redactor) {
    const all = new Map([...(asked.get(redactor) ?? []), ...names.map((name) => [name, env])]);
    const secrets = [...all].flatMap(([name, from]) => (refusal(from[name]) === undefined ? parts(name, from[name]) : []));
    const refused = new Set(redactor.arm(secrets));
    const lost = names.filter((name) => refused.has(`env:${name}`));
    if (lost.length) throw new MissingSecretsError(lost.map((name) => ({ name, why: 'cannot be armed' })));
    asked.set(redactor, all);
  }
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}
