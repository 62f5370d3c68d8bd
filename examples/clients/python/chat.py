"""python3 examples/clients/python/chat.py [url]: sends each line of the input, prints what everybody says."""

import sys
import threading
import time

from client import Client


def say(text):
    print(text, flush=True)


def read_input(client):
    for line in sys.stdin:
        client.send(line.rstrip("\n"))
    while client.unanswered > 0:
        time.sleep(0.05)
    client.close()


client = Client(
    sys.argv[1] if len(sys.argv) > 1 else "ws://localhost:9090/ws",
    on_welcome=lambda client_id: say(f"[connected as {client_id}]"),
    on_message=lambda envelope: say(envelope["content"]),
    on_ack=lambda content, outcome: say(f"[{'in the log' if outcome == 'stored' else outcome}] {content}"),
    on_refused=lambda content, reason: say(f"[refused] {content}: {reason}"),
    on_lost=lambda code, pause: say(f"[connection lost ({code}), trying again in {pause * 1000:.0f} ms]"),
)
threading.Thread(target=read_input, args=[client], daemon=True).start()
client.run()
