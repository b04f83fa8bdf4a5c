/*
 * client NAME PORT FAMILY: resolves a name by the C library, connects to the first address that takes the connection,
 * sends a request and prints what it found, one thing a line: "address A" for each, then "answer LINE", or "error TEXT".
 * FAMILY is any, 4 or 6. PORT 0 only resolves.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int answer(const struct addrinfo *at, const char *name)
{
    char request[512], line[512];
    int descriptor = socket(at->ai_family, SOCK_STREAM, 0);
    if (descriptor < 0) return 0;
    if (connect(descriptor, at->ai_addr, at->ai_addrlen) != 0) {
        close(descriptor);
        return 0;
    }
    int length = snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", name);
    ssize_t got = write(descriptor, request, length) == length ? read(descriptor, line, sizeof line - 1) : -1;
    close(descriptor);
    if (got <= 0) return 0;
    line[got] = 0;
    line[strcspn(line, "\r\n")] = 0;
    printf("answer %s\n", line);
    return 1;
}

int main(int count, char **arguments)
{
    if (count != 4) return 64;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found, *at;
    hints.ai_family = *arguments[3] == '4' ? AF_INET : *arguments[3] == '6' ? AF_INET6 : AF_UNSPEC;
    int failed = getaddrinfo(arguments[1], arguments[2], &hints, &found);
    if (failed != 0) {
        printf("error %s\n", gai_strerror(failed));
        return 0;
    }
    for (at = found; at != NULL; at = at->ai_next) {
        char text[128];
        getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
        printf("address %s\n", text);
    }
    if (atoi(arguments[2]) == 0) return 0;
    for (at = found; at != NULL; at = at->ai_next)
        if (answer(at, arguments[1])) return 0;
    printf("error no address answers\n");
    return 0;
}
