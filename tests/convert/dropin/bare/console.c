/* The C library's console for start.c: what printf() prints goes out by semihosting. */
void put(const char *text);
int _write(int file, const char *text, int count);

int _write(int file, const char *text, int count)
{
    int i;
    (void)file;
    for (i = 0; i < count; i++) {
        const char one[2] = {text[i], '\0'};
        put(one);
    }
    return count;
}
