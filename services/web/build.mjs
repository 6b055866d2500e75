// Bundles src into dist, which is committed and embedded into the Go binary.
import { build } from 'esbuild';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
await build({
  entryPoints: ['src/main.ts', 'src/hub.ts', 'src/style.css', 'src/hub.css'],
  outdir: 'dist', bundle: true, minify: true, format: 'esm', target: 'es2022', legalComments: 'linked', logLevel: 'info',
});

// In a browser @qlik/api loads its modules from its host, at /qlik-embed/main.js. In Node it brings them along: those are what we serve.
const api = 'node_modules/@qlik/api'; const chunks = `${api}/chunks`;
const modules = [...readFileSync(`${chunks}/${readdirSync(chunks).find((f) => /^public-runtime-modules.*\.js$/.test(f))}`, 'utf8')
  .matchAll(/import\("\.\/(auth|qix|invoke-fetch)-[^"]+"\)(\.then\(\(n\) => n\.\w+\))?/g)].map(([call, name]) => `'${name}@v1': () => ${call}`);
if (modules.length !== 3) throw new Error(`@qlik/api is not built as it was: ${modules}`);
await build({
  stdin: { contents: `const modules = {${modules}}; window.QlikMain = { import: async (name) => { if (!modules[name]) throw new Error('this server has no module ' + name); return modules[name](); } };`, resolveDir: chunks },
  outfile: 'dist/qlik-embed/main.js', bundle: true, minify: true, format: 'iife', target: 'es2022', logLevel: 'info',
  banner: { js: `/*! @qlik/api\n${readFileSync(`${api}/LICENSE`, 'utf8')}*/` },
});

for (const page of ['index.html', 'hub.html']) copyFileSync(`src/${page}`, `dist/${page}`);
copyFileSync('src/icon.svg', 'dist/icon.svg');
