/* An AVR in libsimavr, with its USART 0 on a TCP socket of 127.0.0.1: what plays the board on a computer.
 *
 * Usage: simavr IMAGE.elf MCU HZ. Speaks as docs/porting.md asks of every emulator of a board: "port N" on its output when it
 * listens; on its input the lines run, reset and quit, and the end of the input is as good as quit. Bytes come in at the line's
 * own pace, which simavr keeps, and none is lost on the way.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <simavr/avr_uart.h>
#include <simavr/avr_watchdog.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_BYTES = 4096, STEPS = 2000, NO_SOCKET = -1, SEND_TIMEOUT_MS = 2000 };

static avr_t *avr;
static avr_irq_t *uart_input;
static bool is_full; /* the USART takes no more bytes for now */
static bool is_running;

static int listener = NO_SOCKET;
static int client = NO_SOCKET;

static unsigned char incoming[BUFFER_BYTES], outgoing[BUFFER_BYTES];
static size_t incoming_size, incoming_taken, outgoing_size;

static void fail(const char *what)
{
    fprintf(stderr, "simavr: %s%s%s\n", what, errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    exit(EXIT_FAILURE);
}

static void hang_up(void)
{
    close(client);
    client = NO_SOCKET;
    incoming_size = incoming_taken = outgoing_size = 0;
}

/* Send what the AVR sent. A client that does not read for SEND_TIMEOUT_MS is hung up on. */
static void flush(void)
{
    size_t sent = 0;
    while (client != NO_SOCKET && sent < outgoing_size) {
        const ssize_t now = send(client, outgoing + sent, outgoing_size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        struct pollfd writable = {.fd = client, .events = POLLOUT};
        if (now > 0) {
            sent += (size_t)now;
        } else if ((errno != EAGAIN && errno != EINTR) || poll(&writable, 1, SEND_TIMEOUT_MS) <= 0) {
            hang_up();
        }
    }
    outgoing_size = 0;
}

static void on_output(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq;
    (void)unused;
    if (outgoing_size == BUFFER_BYTES) {
        flush();
    }
    if (client != NO_SOCKET) {
        outgoing[outgoing_size++] = (unsigned char)value;
    }
}

static void on_xon(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq;
    (void)value;
    (void)unused;
    is_full = false;
    while (!is_full && incoming_taken < incoming_size) {
        avr_raise_irq(uart_input, incoming[incoming_taken++]);
    }
}

static void on_xoff(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq;
    (void)value;
    (void)unused;
    is_full = true;
}

static void log_to_stderr(struct avr_t *which, const int level, const char *format, va_list arguments)
{
    (void)which;
    if (level <= LOG_ERROR) {
        vfprintf(stderr, format, arguments);
    }
}

static void start_avr(const char *image, const char *mcu, long hz)
{
    static elf_firmware_t firmware;
    uint32_t no_flags = 0;
    avr_global_logger_set(log_to_stderr);
    if (elf_read_firmware(image, &firmware) != 0) {
        fail("the image cannot be read");
    }
    avr = avr_make_mcu_by_name(mcu);
    if (avr == NULL) {
        fail("there is no such MCU");
    }
    avr_init(avr);
    avr->frequency = (uint32_t)hz;
    avr_load_firmware(avr, &firmware);
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &no_flags);
    uart_input = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_output, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON), on_xon, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF), on_xoff, NULL);
    avr_regbit_set(avr, avr->reset_flags.porf);
}

static void listen_on_any_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener == NO_SOCKET || bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        fail("cannot listen on 127.0.0.1");
    }
    printf("port %u\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
}

static bool has_watchdog_on(void)
{
    for (struct avr_io_t *io = avr->io_port; io != NULL; io = io->next) {
        if (io->kind != NULL && strcmp(io->kind, "watchdog") == 0) {
            return avr_regbit_get(avr, ((avr_watchdog_t *)io)->wde) != 0;
        }
    }
    return false;
}

static void reset(avr_regbit_t cause)
{
    avr_reset(avr);
    avr_regbit_set(avr, cause);
}

/* simavr gives up where a part goes on: in a loop with interrupts off, or after an access to memory that is not there. Sooner
 * or later the watchdog finds it there, if it is on. */
static void get_stuck(void)
{
    if (!has_watchdog_on()) {
        fail("the program got stuck, and no watchdog is on");
    }
    reset(avr->reset_flags.wdrf);
}

static void obey(const char *line)
{
    if (strcmp(line, "run") == 0) {
        is_running = true;
    } else if (strcmp(line, "reset") == 0) {
        reset(avr->reset_flags.extrf);
    } else if (strcmp(line, "quit") == 0) {
        exit(EXIT_SUCCESS);
    }
}

static void read_commands(void)
{
    static char text[256];
    static size_t size;
    const ssize_t now = read(STDIN_FILENO, text + size, sizeof text - size);
    char *end;
    if (now <= 0) {
        exit(EXIT_SUCCESS); /* whoever started this is gone */
    }
    size += (size_t)now;
    while ((end = memchr(text, '\n', size)) != NULL) {
        *end = '\0';
        obey(text);
        size -= (size_t)(end + 1 - text);
        memmove(text, end + 1, size);
    }
    size = size == sizeof text ? 0 : size;
}

static void read_client(void)
{
    const ssize_t now = recv(client, incoming, sizeof incoming, 0);
    if (now > 0) {
        incoming_size = (size_t)now;
        incoming_taken = 0;
    } else if (now == 0 || errno != EINTR) {
        hang_up();
    }
}

static void look_outside(void)
{
    const bool may_read = client != NO_SOCKET && incoming_taken == incoming_size;
    struct pollfd ends[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = client == NO_SOCKET ? listener : may_read ? client : NO_SOCKET, .events = POLLIN},
    };
    flush();
    if (poll(ends, 2, is_running ? 0 : -1) <= 0) {
        return;
    }
    if (ends[0].revents != 0) {
        read_commands();
    }
    if (ends[1].revents != 0 && client == NO_SOCKET) {
        const int on = 1;
        client = accept(listener, NULL, NULL);
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    } else if (ends[1].revents != 0) {
        read_client();
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s IMAGE.elf MCU HZ\n", argv[0]);
        return 2;
    }
    start_avr(argv[1], argv[2], strtol(argv[3], NULL, 10));
    listen_on_any_port();
    for (;;) {
        look_outside();
        for (int step = 0; is_running && step < STEPS; step++) {
            const int state = avr_run(avr);
            if (state == cpu_Crashed || state == cpu_Done) {
                get_stuck();
            }
        }
    }
}
