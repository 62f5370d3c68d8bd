import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer } from '../../../../src/connect/rest/call.ts';
import { findRoute, type Route } from '../../../../src/connect/rest/routes.ts';

const route = (method: string, path: string): Route => ({ method, path, handle: () => answer(200) });

const ROUTES = [
  route('GET', '/'),
  route('GET', '/connectors'),
  route('POST', '/connectors'),
  route('GET', '/connectors/{connector}/tasks/{task}/status'),
  route('PUT', '/connectors/{connector}/topics/reset'),
];

const paramsOf = (method: string, path: string) => {
  const found = findRoute(ROUTES, method, path);
  return found !== undefined && 'params' in found ? found.params : found;
};

test('the parts of a path are percent-decoded', () => {
  assert.deepEqual(paramsOf('GET', '/connectors/a%2Fb%20c/tasks/3/status'), { connector: 'a/b c', task: '3' });
  assert.deepEqual(paramsOf('PUT', '/connectors/a/topics/reset'), { connector: 'a' });
});

test('a slash at the end is ignored, one in the middle is not', () => {
  assert.deepEqual(paramsOf('GET', '/'), {});
  assert.deepEqual(paramsOf('GET', '/connectors/'), {});
  assert.equal(paramsOf('GET', '/connectors//tasks/0/status'), undefined);
});

test('a task is a number, and a path with invalid encoding is not found', () => {
  assert.deepEqual(paramsOf('GET', '/connectors/a/tasks/-1/status'), { connector: 'a', task: '-1' });
  for (const task of ['x', '1.5', '', '12345678901'])
    assert.equal(paramsOf('GET', `/connectors/a/tasks/${task}/status`), undefined, task);
  assert.equal(paramsOf('GET', '/connectors/%zz/tasks/0/status'), undefined);
});

test('an unsupported method is answered with the supported ones, and HEAD is GET', () => {
  assert.deepEqual(paramsOf('DELETE', '/connectors'), { allow: ['GET', 'POST'] });
  assert.deepEqual(paramsOf('HEAD', '/connectors'), {});
  assert.deepEqual(paramsOf('HEAD', '/connectors/a/topics/reset'), { allow: ['PUT'] });
  assert.equal(paramsOf('GET', '/nosuch'), undefined);
});
