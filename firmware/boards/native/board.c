/* This computer as a board: serves one client at a time on TCP 127.0.0.1, so that the firmware's core runs as a process.
 *
 * Usage: firmware.elf [PORT]. Without a port, or with 0, the system chooses one; "port N" is printed when it listens.
 */
#include "axe_board.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "axe_firmware.h"
#include "restart.h"

enum { BUFFER_BYTES = 65536, SEND_TIMEOUT_MS = 2000, NO_SOCKET = -1 };

static int listener = NO_SOCKET;
static int client = NO_SOCKET;
static enum axe_reset_cause reset_cause;

static uint8_t received[BUFFER_BYTES];
static size_t received_size;
static size_t received_taken;

static uint8_t waiting[BUFFER_BYTES];
static size_t waiting_size;

static void hang_up(void)
{
    close(client);
    client = NO_SOCKET;
    received_size = 0;
    received_taken = 0;
    waiting_size = 0;
}

/* Send what write() held back. A client that does not read for SEND_TIMEOUT_MS is hung up on: nothing may block for ever. */
static void flush(void)
{
    size_t sent = 0;
    while (client != NO_SOCKET && sent < waiting_size) {
        const ssize_t now = send(client, waiting + sent, waiting_size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (now > 0) {
            sent += (size_t)now;
            continue;
        }
        struct pollfd writable = {.fd = client, .events = POLLOUT, .revents = 0};
        const bool is_full = now < 0 && (errno == EAGAIN || errno == EINTR);
        if (!is_full || poll(&writable, 1, SEND_TIMEOUT_MS) <= 0) {
            hang_up();
        }
    }
    waiting_size = 0;
}

int axe_board_read(void)
{
    native_watchdog_feed();
    if (received_taken == received_size) {
        return -1;
    }
    return received[received_taken++];
}

void axe_board_write(const uint8_t *bytes, size_t size)
{
    native_watchdog_feed();
    if (client == NO_SOCKET) {
        return;
    }
    while (size > 0) {
        if (waiting_size == BUFFER_BYTES) {
            flush();
        }
        const size_t room = BUFFER_BYTES - waiting_size;
        const size_t part = size < room ? size : room;
        memcpy(waiting + waiting_size, bytes, part);
        waiting_size += part;
        bytes += part;
        size -= part;
    }
}

/* Wait for a client or for bytes; poll() sleeps, as a board would. */
void axe_board_idle(void)
{
    flush();
    struct pollfd readable = {.fd = client == NO_SOCKET ? listener : client, .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, -1) <= 0) {
        return;
    }
    if (client == NO_SOCKET) {
        const int on = 1;
        client = accept(listener, NULL, NULL);
        if (client != NO_SOCKET) {
            setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            fcntl(client, F_SETFD, FD_CLOEXEC); /* a reset hangs up */
        }
        return;
    }
    const ssize_t now = recv(client, received, sizeof received, 0);
    if (now > 0) {
        received_size = (size_t)now;
        received_taken = 0;
    } else if (now == 0 || errno != EINTR) {
        hang_up();
    }
}

uint32_t axe_board_ticks(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec);
}

void axe_board_interrupts_off(void)
{
}

void axe_board_interrupts_on(void)
{
}

void axe_board_init(axe_board *board)
{
    const axe_board process = {.tick_source = AXE_TICKS_HOST, .reset_cause = reset_cause, .tick_hz = 1000000000U};
    *board = process;
}

/* Listen on 127.0.0.1 and say where. Returns whether it worked. */
static bool listen_on(uint16_t port)
{
    const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener == NO_SOCKET || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        fprintf(stderr, "native board: cannot listen: %s\n", strerror(errno));
        return false;
    }
    printf("port %u\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    reset_cause = native_reset_cause(argc, argv, &listener);
    if (listener == NO_SOCKET) {
        char *end = "";
        const long port = argc > 1 ? strtol(argv[1], &end, 10) : 0;
        if (argc > 2 || *end != '\0' || port < 0 || port > 65535) {
            fprintf(stderr, "usage: %s [PORT]\n", argv[0]);
            return 2;
        }
        if (!listen_on((uint16_t)port)) {
            return EXIT_FAILURE;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    native_restart_arm(argv[0], listener);
    axe_firmware_run();
    return EXIT_SUCCESS;
}
