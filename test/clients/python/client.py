"""client.py NAME PORT FAMILY: as ../c/client.c, by Python's socket and http.client."""

import http.client
import socket
import sys

name, port, family = sys.argv[1], int(sys.argv[2]), sys.argv[3]
FAMILIES = {"any": socket.AF_UNSPEC, "4": socket.AF_INET, "6": socket.AF_INET6}
try:
    for *_, address in socket.getaddrinfo(name, port, FAMILIES[family], socket.SOCK_STREAM):
        print("address", address[0])
    if port == 7000:
        with socket.create_connection((name, port), timeout=10) as connection:
            print("answer", connection.makefile().readline().strip())
    elif port != 0:
        connection = http.client.HTTPConnection(name, port, timeout=10)
        connection.request("GET", "/")
        response = connection.getresponse()
        print("answer", f"HTTP/1.1 {response.status} {response.reason}")
except OSError as error:
    print("error", error)
