/* A kernel's functions in a process of their own: rows of inputs on standard input, rows of outputs on standard output.
 *
 * Usage: rows FUNCTION PROGRESS. FUNCTION is an index into functions.inc, which is written beside the kernel's prototypes.
 * PROGRESS is a file of sizeof(struct progress) bytes; it says at any time, also after a crash, how far this has come.
 * `in` and `out` each end where a page that nobody may touch begins, so that a step past their end is caught at once.
 */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { FAILED = 99, CHUNK_BYTES = 1 << 16 };

struct function {
    void (*call)(const float *in, float *out);
    size_t inputs;
    size_t outputs;
};

struct progress {
    uint64_t row;         /* being worked on */
    uint32_t stepped_past; /* STEPPED_...: the fault was there */
    uint32_t unused;
};

enum { STEPPED_NOWHERE, STEPPED_PAST_IN, STEPPED_PAST_OUT };

static const struct function functions[] = {
#include "functions.inc"
};

static volatile struct progress *progress;
static char *fences[2]; /* behind in, behind out */
static size_t page_bytes;

/* Return room for `count` floats that ends at the fence. */
static float *fenced(size_t count, char **fence)
{
    const size_t bytes = count * sizeof(float);
    const size_t room = (bytes + page_bytes - 1) / page_bytes * page_bytes;
    char *pages = mmap(NULL, room + page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + room, page_bytes, PROT_NONE) != 0) {
        exit(FAILED);
    }
    *fence = pages + room;
    return (float *)(void *)(pages + room - bytes);
}

/* Note where the fault was; returning runs into it again, and then it kills. */
static void note_fault(int number, siginfo_t *info, void *context)
{
    const char *at = info->si_addr;
    (void)context;
    for (uint32_t i = 0; i < 2; i++) {
        if (at >= fences[i] && at < fences[i] + page_bytes) {
            progress->stepped_past = STEPPED_PAST_IN + i;
        }
    }
    signal(number, SIG_DFL);
}

static void watch_for_faults(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = note_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

/* Return the stream behind a standard handle, which from now on leads nowhere: the kernel may print. */
static FILE *take_over(int handle, const char *mode)
{
    const int own = dup(handle);
    const int nowhere = open("/dev/null", O_RDWR);
    FILE *stream = own < 0 ? NULL : fdopen(own, mode);
    if (stream == NULL || nowhere < 0 || dup2(nowhere, handle) < 0) {
        exit(FAILED);
    }
    close(nowhere);
    setvbuf(stream, NULL, _IOFBF, CHUNK_BYTES);
    return stream;
}

static int run(const struct function *function, FILE *from, FILE *to)
{
    float *in = fenced(function->inputs, &fences[0]);
    float *out = fenced(function->outputs, &fences[1]);
    float *row = malloc(function->inputs * sizeof *row);
    if (row == NULL) {
        return FAILED;
    }
    watch_for_faults();
    while (fread(row, sizeof *row, function->inputs, from) == function->inputs) {
        memcpy(in, row, function->inputs * sizeof *in);
        memset(out, 0xFF, function->outputs * sizeof *out); /* not-a-number: what the function leaves alone shows */
        function->call(in, out);
        if (fwrite(out, sizeof *out, function->outputs, to) != function->outputs) {
            return FAILED;
        }
        progress->row++;
    }
    free(row);
    return ferror(from) || fclose(to) != 0 ? FAILED : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (argc != 3) {
        return FAILED;
    }
    const int file = open(argv[2], O_RDWR);
    void *shared = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file < 0 || shared == MAP_FAILED) {
        return FAILED;
    }
    progress = shared;
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    FILE *from = take_over(STDIN_FILENO, "rb");
    FILE *to = take_over(STDOUT_FILENO, "wb");
    return run(functions + strtoul(argv[1], NULL, 10), from, to);
}
