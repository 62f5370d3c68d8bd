const TEST_FILE = /_test(\.[^./\\]+)$/;

/** The file of tests beside a configuration: `orders_test.yaml` of `orders.yaml`. */
export function testsFileOf(file: string): string {
  return file.replace(/(\.[^./\\]+)?$/, '_test$1');
}

/** The configuration that a file of tests is for; the file itself where it is none. */
export function testedFileOf(file: string): string {
  return file.replace(TEST_FILE, '$1');
}
