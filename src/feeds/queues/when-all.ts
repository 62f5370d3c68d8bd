/** Calls back once each of these has called back; at once if all of them do so at once. */
export function whenAll(all: readonly ((done: () => void) => void)[], done: () => void): void {
  let left = all.length;
  if (left === 0) done();
  const one = () => {
    left -= 1;
    if (left === 0) done();
  };
  for (const work of all) work(one);
}
