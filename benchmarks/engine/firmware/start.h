#ifndef BENCH_START_H
#define BENCH_START_H

#include <stdint.h>

/* Print a text; print "name value" on a line of its own; end the emulation. */
void say(const char *text);
void say_number(const char *name, uint32_t value);
void leave(int failed);

#endif
