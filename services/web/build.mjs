// Bundles src into dist, which is committed and embedded into the Go binary.
import { build } from 'esbuild';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
await build({
  entryPoints: ['src/main.ts', 'src/hub.ts', 'src/style.css', 'src/hub.css'],
  outdir: 'dist', bundle: true, minify: true, format: 'esm', target: 'es2022', legalComments: 'linked', logLevel: 'info',
});
for (const page of ['index.html', 'hub.html']) copyFileSync(`src/${page}`, `dist/${page}`);
copyFileSync('src/icon.svg', 'dist/icon.svg');
