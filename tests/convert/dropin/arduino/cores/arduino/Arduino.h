/* What the examples use of Arduino, on a computer. */
#pragma once
#include <stdio.h>

struct Port {
    void begin(long) {}
    explicit operator bool() const { return true; }
    void print(const char *text) { fputs(text, stdout); }
    void println(const char *text) { puts(text); }
};
extern Port Serial;
void setup();
void loop();
