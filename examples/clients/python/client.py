"""A client for Tidegate's envelope protocol, on the package websocket-client."""

import json
import random
import threading
import time
import uuid
from datetime import datetime, timezone

import websocket

# Close codes after which it makes no sense to come back: what was sent was wrong, and would be again.
FINAL_CODES = {1003, 1007, 1009}
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0


class Client:
    """Keeps a connection, comes back when it is lost, and sends again what was not answered.

    The id of a message stays the same when it is sent again, so that a reader of the topic can tell a copy.
    The callbacks are called from the thread that runs the client.
    """

    def __init__(self, url, on_welcome=None, on_message=None, on_ack=None, on_refused=None, on_lost=None):
        self.url = url
        self.on_welcome = on_welcome or (lambda client_id: None)
        self.on_message = on_message or (lambda envelope: None)
        self.on_ack = on_ack or (lambda content, outcome: None)
        self.on_refused = on_refused or (lambda content, reason: None)
        self.on_lost = on_lost or (lambda code, pause: None)
        self._unanswered = {}
        self._lock = threading.Lock()
        self._socket = None
        self._is_welcome = False
        self._is_closed = threading.Event()
        self._attempts = 0
        self._close_code = None

    def send(self, content):
        """Sends a message, now or when the connection is there; its answer comes to on_ack or on_refused."""
        message = {
            "messageType": "USER",
            "content": content,
            "timestamp": datetime.now(timezone.utc).isoformat(),
            "id": str(uuid.uuid4()),
        }
        with self._lock:
            self._unanswered[message["id"]] = message
            if self._is_welcome:
                self._write(message)

    @property
    def unanswered(self):
        """How many messages wait for their answer."""
        return len(self._unanswered)

    def close(self):
        self._is_closed.set()
        if self._socket is not None:
            self._socket.close()

    def run(self):
        """Runs until close() is called or the gateway will not have this client any more."""
        while not self._is_closed.is_set():
            self._close_code = None
            self._socket = websocket.WebSocketApp(
                self.url,
                on_message=lambda _, text: self._receive(json.loads(text)),
                on_close=self._closed,
            )
            self._socket.run_forever()
            self._is_welcome = False
            if self._is_closed.is_set() or self._close_code in FINAL_CODES:
                break
            # Doubling, and half of it random: many clients that were cut together should not come back together.
            most = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._attempts)
            pause = random.uniform(most / 2, most)
            self._attempts += 1
            self.on_lost(self._close_code, pause)
            self._is_closed.wait(pause)

    def _closed(self, _, code, reason):
        self._close_code = code

    def _receive(self, envelope):
        kind = envelope["messageType"]
        if kind == "ACK":
            # stored: the log has it. filtered and dead_letter: it is done, and not in the topic.
            outcome = envelope.get("outcome", "stored")
            self._answered(envelope, lambda message: self.on_ack(message["content"], outcome))
        elif kind == "ERROR" and envelope.get("retryable"):
            # The message may be in the log or not: send it again, with the same id.
            time.sleep(FIRST_PAUSE)
            with self._lock:
                message = self._unanswered.get(envelope.get("id"))
                if message is not None:
                    self._write(message)
        elif kind == "ERROR":
            self._answered(envelope, lambda message: self.on_refused(message["content"], envelope["content"]))
        elif "clientId" in envelope:
            self._welcomed(envelope["clientId"])
        else:
            self.on_message(envelope)

    def _welcomed(self, client_id):
        self._attempts = 0
        self.on_welcome(client_id)
        with self._lock:
            self._is_welcome = True
            for message in self._unanswered.values():
                self._write(message)

    def _answered(self, envelope, tell):
        with self._lock:
            message = self._unanswered.pop(envelope.get("id"), None)
        if message is not None:
            tell(message)

    def _write(self, message):
        try:
            self._socket.send(json.dumps(message))
        except (websocket.WebSocketException, OSError):
            pass  # The connection is going down; the message goes again on the next one.
