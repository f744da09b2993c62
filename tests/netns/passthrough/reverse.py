"""Python's TLS: a server that turns lines around, and a client that asks it to.

reverse.py serve PORT CERTIFICATE KEY
reverse.py ask ADDRESS PORT NAME AUTHORITY LINE
"""

import socket
import ssl
import sys
import threading


def serve(port, certificate, key):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(
        ("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True
    )
    print("listening", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=turn, args=(context, connection), daemon=True).start()


def turn(context, connection):
    try:
        with context.wrap_socket(connection, server_side=True) as stream:
            for line in stream.makefile("rb"):
                text = line.rstrip(b"\n")
                if text == b"CLOSE":
                    stream.unwrap()
                    return
                stream.sendall(text[::-1] + b"\n")
    except OSError as error:
        print(error, flush=True)


def ask(address, port, name, authority, line):
    context = ssl.create_default_context(cafile=authority)
    with socket.create_connection((address, int(port)), timeout=10) as connection:
        with context.wrap_socket(connection, server_hostname=name) as stream:
            stream.sendall(line.encode() + b"\n")
            print(stream.makefile("r").readline(), end="")
            stream.sendall(b"CLOSE\n")


{"serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
