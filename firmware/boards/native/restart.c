/* A process that resets itself. The listening socket stays open and keeps its port; the client's connection is cut. */
#define _XOPEN_SOURCE 700 /* sigaltstack, setitimer. NOLINT(bugprone-reserved-identifier): POSIX asks for it */

#include "restart.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { WATCHDOG_S = 8, STACK_BYTES = 65536 };

static const char restarted[] = "--restarted";
static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

static volatile sig_atomic_t unfed_s;
static char cause_text[] = "0";
static char listener_text[12];
static char *arguments[] = {NULL, (char *)(uintptr_t)restarted, cause_text, listener_text, NULL};
static uint8_t handler_stack[STACK_BYTES]; /* the other one may be what overflowed */

static void restart(enum axe_reset_cause cause)
{
    cause_text[0] = (char)('0' + (int)cause);
    execv(arguments[0], arguments);
    _exit(EXIT_FAILURE); /* nothing of that name: a program that was removed, or found by PATH */
}

static void on_fault(int number)
{
    (void)number;
    restart(AXE_RESET_FAULT);
}

static void on_second(int number)
{
    (void)number;
    if (++unfed_s >= WATCHDOG_S) {
        restart(AXE_RESET_WATCHDOG);
    }
}

/* Write a number that is not negative. */
static void write_decimal(int number, char *to, size_t size)
{
    char *at = to + size - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 && at > to);
    memmove(to, at, (size_t)(to + size - at));
}

enum axe_reset_cause native_reset_cause(int argc, char **argv, int *listener)
{
    if (argc != 4 || strcmp(argv[1], restarted) != 0) {
        return AXE_RESET_POWER_ON;
    }
    *listener = (int)strtol(argv[3], NULL, 10);
    return argv[2][0] == '0' + AXE_RESET_WATCHDOG ? AXE_RESET_WATCHDOG : AXE_RESET_FAULT;
}

void native_restart_arm(const char *program, int listener)
{
    const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack, .ss_flags = 0};
    const struct itimerval every_second = {{1, 0}, {1, 0}};
    struct sigaction action;
    arguments[0] = (char *)(uintptr_t)program;
    write_decimal(listener, listener_text, sizeof listener_text);
    sigaltstack(&stack, NULL);
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_ONSTACK | SA_NODEFER; /* a signal blocked here would stay so in the program that is executed */
    action.sa_handler = on_fault;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sigaction(faults[i], &action, NULL);
    }
    action.sa_handler = on_second;
    action.sa_flags |= SA_RESTART;
    sigaction(SIGVTALRM, &action, NULL);
    setitimer(ITIMER_VIRTUAL, &every_second, NULL); /* seconds of this process's own work: none while it waits */
}

void native_watchdog_feed(void)
{
    unfed_s = 0;
}
