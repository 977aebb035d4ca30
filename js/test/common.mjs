// Where the installed package is, and secrets that no scanner takes for real ones.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const project = process.env.KEEPMUM_PROJECT;
if (!project) throw new Error('KEEPMUM_PROJECT is the project in which the tarball is installed: cargo xtask test --only js');

export const require = createRequire(join(project, 'index.js'));
const { resolve } = createRequire(import.meta.url);

/** As an ES module of that project would import it. */
export async function load() {
  const file = require.resolve('keepmum').replace(/node\.cjs$/, 'node.mjs');
  return import(pathToFileURL(file));
}

export { project, resolve };

export const password = ['not', 'a', 'password', '4242'].join('-');
export const url = `postgres://app:${password}@db.example/shop`;
export const cleanUrl = 'postgres://app:[REDACTED:postgres-url-password]@db.example/shop';
export const stripe = ['sk', 'live', '4eC39HqLyjWDarjtT1zdp7dcFAKEFAKE'].join('_');
