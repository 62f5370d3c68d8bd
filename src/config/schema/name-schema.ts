import { z } from 'zod';

const NAME = /^[A-Za-z][\w.-]*$/;

/** The name of something that the file has: of a listener, an endpoint, a pipeline, an entry of auth or a processor. */
export const entryName = () =>
  z.string().regex(NAME, 'a name begins with a letter and has letters, digits, "_", "-" and "." in it');
