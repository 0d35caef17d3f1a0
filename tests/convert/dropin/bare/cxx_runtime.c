/* What C++ asks of a runtime, for a firmware without one. */
void *__dso_handle;
int __aeabi_atexit(void *object, void (*destroy)(void *), void *dso);
void __cxa_pure_virtual(void);

int __aeabi_atexit(void *object, void (*destroy)(void *), void *dso)
{
    (void)object;
    (void)destroy;
    (void)dso;
    return 0;
}

void __cxa_pure_virtual(void)
{
    __builtin_trap();
}
