// The errors that users see. None carries a value.

export class PolicyError extends Error {
  /** @param {{path: string, why: string}[]} mistakes */
  constructor(mistakes) {
    super(`the policy is refused:\n${mistakes.map(({ path, why }) => `  ${path}: ${why}`).join('\n')}`);
    this.name = 'PolicyError';
    this.mistakes = mistakes;
  }
}

export class BlockedError extends Error {
  constructor() {
    super('the policy blocks what was found; nothing more leaves');
    this.name = 'BlockedError';
  }
}

export class MissingSecretsError extends Error {
  /** @param {{name: string, why: string}[]} secrets */
  constructor(secrets) {
    super(`secrets are missing or cannot be used:\n${secrets.map(({ name, why }) => `  ${name}: ${why}`).join('\n')}`);
    this.name = 'MissingSecretsError';
    this.secrets = secrets;
  }
}
