/* What C++ asks of a runtime, for images that are linked without one: nothing is ever destroyed here. An application that has these
 * already keeps its own.
 */
/* NOLINTBEGIN(bugprone-reserved-identifier): the names are the ABI's */
void *__dso_handle __attribute__((weak));

int __aeabi_atexit(void *object, void (*destroy)(void *), void *dso);
void __cxa_pure_virtual(void);

__attribute__((weak)) int __aeabi_atexit(void *object, void (*destroy)(void *), void *dso)
{
    (void)object;
    (void)destroy;
    (void)dso;
    return 0;
}

__attribute__((weak)) void __cxa_pure_virtual(void)
{
    __builtin_trap();
}
/* NOLINTEND(bugprone-reserved-identifier) */
