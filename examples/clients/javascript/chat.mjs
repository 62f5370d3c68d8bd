// node examples/clients/javascript/chat.mjs [url]: sends each line of the input, prints what everybody says.
import { createInterface } from 'node:readline';
import { Client } from './client.mjs';

const url = process.argv[2] ?? 'ws://localhost:9090/ws';

const client = new Client(url, {
  onWelcome: (clientId) => console.log(`[connected as ${clientId}]`),
  onMessage: ({ content }) => console.log(content),
  onLost: (code, pause) => {
    if (pause !== undefined) console.log(`[connection lost (${code}), trying again in ${pause} ms]`);
  },
});

const sent = [];
for await (const line of createInterface({ input: process.stdin })) {
  sent.push(
    client.send(line).then(
      (outcome) => console.log(`[${outcome === 'stored' ? 'in the log' : outcome}] ${line}`),
      (error) => console.log(`[refused] ${line}: ${error.message}`),
    ),
  );
}
await Promise.all(sent);
client.close();
