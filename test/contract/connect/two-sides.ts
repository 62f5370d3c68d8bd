import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ConnectApi, startConnect } from '../../helpers/connect-gateway.ts';
import { FeedServer } from '../../helpers/feed-server.ts';
import { requireConnectWorker } from '../../services/connect-worker.ts';
import type { Side } from './side.ts';

/** A real worker; undefined where there cannot be one. Its source reads one line. */
export async function workerSide(t: TestContext, brokers: string, topic: string): Promise<Side | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-lines-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [from, to] = [join(folder, 'in.txt'), join(folder, 'out.txt')];
  writeFileSync(from, 'one\n');
  const worker = await requireConnectWorker(t, brokers);
  if (worker === undefined) return undefined;
  return {
    api: new ConnectApi(worker.url),
    topic,
    source: 'FileStreamSource',
    sink: 'FileStreamSink',
    sourceConfig: { 'connector.class': 'FileStreamSource', 'tasks.max': '1', file: from, topic },
    sinkConfig: { 'connector.class': 'FileStreamSink', 'tasks.max': '1', file: to, topics: topic },
    hopeless: { file: join(folder, 'nosuch', 'x') },
    partition: { filename: from },
    offset: { position: 3 },
    words: [
      [worker.url, '‹url›'],
      [new URL(worker.url).host, '‹worker›'],
      ['org.apache.kafka.connect.file.FileStreamSource', '‹source›'],
      ['org.apache.kafka.connect.file.FileStreamSink', '‹sink›'],
      ['"filename":', '"‹key›":'],
      ['"position":', '"‹cursor›":'],
      ['FileStreamSource', '‹source›'],
      ['FileStreamSink', '‹sink›'],
      [from, '‹from›'],
      [to, '‹to›'],
      [topic, '‹topic›'],
      ['"version":"4.1.0"', '"version":"‹version›"'],
      ['"file":', '"‹place›":'],
      ['"topic":', '"‹topic of a source›":'],
    ],
  };
}

/** A gateway whose source is sent one message. */
export async function ourSide(t: TestContext): Promise<Side> {
  const feed = await FeedServer.start(t, { greet: ({ ws }) => void ws.send('{"seq":1}') });
  const { api } = await startConnect(t, { connect: { defaults: { 'websocket.resume.cursor': '${! json.seq }' } } });
  const url = `${feed.url}/out`;
  return {
    api,
    topic: 'lines',
    source: 'WebSocketSource',
    sink: 'WebSocketSink',
    sourceConfig: {
      'connector.class': 'WebSocketSource',
      'tasks.max': '1',
      'websocket.url': feed.url,
      'kafka.topic': 'lines',
    },
    sinkConfig: { 'connector.class': 'WebSocketSink', 'tasks.max': '1', 'websocket.url': url, topics: 'lines' },
    hopeless: { 'websocket.url': 'ws://127.0.0.1:1', 'websocket.reconnect.enabled': 'false' },
    partition: { url: feed.url },
    offset: { cursor: 3 },
    words: [
      [api.url, '‹url›'],
      [new URL(api.url).host, '‹worker›'],
      ['io.conduktor.connect.websocket.WebSocketSource', '‹source›'],
      ['tidegate.WebSocketSource', '‹source›'],
      ['tidegate.WebSocketSink', '‹sink›'],
      ['"url":', '"‹key›":'],
      ['"cursor":', '"‹cursor›":'],
      ['WebSocketSource', '‹source›'],
      ['WebSocketSink', '‹sink›'],
      [url, '‹to›'],
      [feed.url, '‹from›'],
      ['"lines"', '"‹topic›"'],
      ['"version":"0.1.0"', '"version":"‹version›"'],
      ['"version":"4.1.0"', '"version":"‹version›"'],
      ['"websocket.url":', '"‹place›":'],
      ['"kafka.topic":', '"‹topic of a source›":'],
    ],
  };
}
