import { tooFewFiles } from './open-files.ts';

const problem = tooFewFiles();
if (problem === undefined) {
  // Not above: hundreds of modules are loaded by it, and without enough files that ends with a stack trace of Node.
  const { main } = await import('./program.ts');
  await main();
} else {
  process.stderr.write(`tidegate: ${problem}\n`);
  process.exitCode = 1;
}
