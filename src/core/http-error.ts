/**
 * The body of each HTTP answer that is an error, on every port: `code` is for programs, `message` for people. Only the Kafka
 * Connect API has the form that its clients know.
 */
export function errorBody(code: string, message: string): string {
  return `${JSON.stringify({ error: { code, message } })}\n`;
}

export const JSON_TYPE = 'application/json; charset=utf-8';
