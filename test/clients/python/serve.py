"""
serve.py ADDRESS PORT TEXT: answers every HTTP request with TEXT; on port 7000 it greets every connection with it. It shares
its port with others that do the same (SO_REUSEPORT), so that one can be on all addresses beside those on one.
"""

import socket
import sys

address, port, text = sys.argv[1], int(sys.argv[2]), sys.argv[3]
ANSWER = f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}"

listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
listener.bind((address, port))
listener.listen(128)
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    connection.settimeout(5)
    try:
        # A check of the mesh connects and says nothing.
        part = b"" if port == 7000 else connection.recv(65536)
        if port != 7000 and not part:
            raise OSError
        connection.sendall(f"{text}\n".encode() if port == 7000 else ANSWER.encode())
    except OSError:
        pass
    connection.close()
