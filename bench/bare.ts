/** Bare `ws`: what an idle connection costs before anybody adds anything to it. */
import { WebSocketServer } from 'ws';
import { announceReady, baselineSettings } from './baseline-settings.ts';

const server = new WebSocketServer({ port: baselineSettings().port, path: '/ws' });
server.on('connection', (socket) => {
  socket.on('message', () => {});
});
server.on('listening', announceReady);
