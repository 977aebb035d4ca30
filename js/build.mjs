// `node build.mjs GENERATED OUT`: the package as it is published, in the folder OUT. What is generated from the engine stands in
// GENERATED. Bundled, so that one source serves Node's two kinds of modules and browsers.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const [generated, out] = process.argv.slice(2).map((path) => resolve(path));
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const common = { bundle: true, absWorkingDir: here, alias: { '#engine': join(generated, 'engine.js') }, target: 'es2022', logLevel: 'warning' };
await build({ ...common, entryPoints: ['src/node.js'], outfile: join(out, 'node.cjs'), platform: 'node', format: 'cjs', define: { 'import.meta.url': 'undefined' } });
await build({ ...common, entryPoints: ['src/browser.js'], outfile: join(out, 'browser.mjs'), platform: 'browser', format: 'esm' });

// One instance for both kinds of modules: a policy that one of them armed holds in the other.
const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
const names = [...readFileSync(join(here, 'src/node.js'), 'utf8').matchAll(/^export (?:function (\w+)|\{ (.*?) \} from)/gm)];
const all = names.flatMap(([, one, many]) => one ?? many.split(', '));
writeFileSync(join(out, 'node.mjs'), `import keepmum from './node.cjs';\nexport const { ${all.join(', ')} } = keepmum;\n`);

copyFileSync(join(generated, 'engine_bg.wasm'), join(out, 'engine.wasm'));
copyFileSync(join(here, 'types/node.d.ts'), join(out, 'node.d.ts'));
copyFileSync(join(here, 'types/node.d.ts'), join(out, 'node.d.cts'));
copyFileSync(join(here, 'types/browser.d.ts'), join(out, 'browser.d.ts'));
copyFileSync(join(here, 'types/common.d.ts'), join(out, 'common.d.ts'));
copyFileSync(join(here, 'README.md'), join(out, 'README.md'));
copyFileSync(join(here, '../LICENSE'), join(out, 'LICENSE'));
const both = (types, file) => ({ types: `./${types}`, default: `./${file}` });
writeFileSync(join(out, 'package.json'), `${JSON.stringify({
  name: 'keepmum',
  version,
  description: 'Takes secrets out of logs, errors and streams: the engine of the proxy plugin, for Node and browsers',
  license: 'Apache-2.0',
  type: 'commonjs',
  main: './node.cjs',
  types: './node.d.cts',
  exports: {
    '.': {
      node: { import: both('node.d.ts', 'node.mjs'), require: both('node.d.cts', 'node.cjs') },
      default: both('browser.d.ts', 'browser.mjs'),
    },
    './browser': both('browser.d.ts', 'browser.mjs'),
    './engine.wasm': './engine.wasm',
    './package.json': './package.json',
  },
  engines: { node: '>=20' },
  sideEffects: false,
}, null, 2)}\n`);

const page = join(out, '../playground');
rmSync(page, { recursive: true, force: true });
await build({ ...common, entryPoints: ['playground/app.js'], outfile: join(page, 'app.js'), platform: 'browser', format: 'esm', minify: true });
for (const name of ['index.html', 'style.css']) copyFileSync(join(here, 'playground', name), join(page, name));
copyFileSync(join(generated, 'engine_bg.wasm'), join(page, 'engine.wasm'));
