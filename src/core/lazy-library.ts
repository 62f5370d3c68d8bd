import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** A library that is loaded with its first use: most gateways have none for it. What this gives throws where the library cannot be had. */
export function lazyLibrary<Library>(name: string): () => Library {
  let loaded: Library | undefined;
  return () => {
    loaded ??= require(name) as Library;
    return loaded;
  };
}
