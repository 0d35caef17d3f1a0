/* The errors of axe_errors.def as negative numbers: what functions return. On the wire the code is positive. */
#ifndef AXE_ERRORS_H
#define AXE_ERRORS_H

#define AXE_ERROR(name, code, text) AXE_ERROR_##name = -(code),
enum axe_error {
    AXE_OK = 0,
#include "axe_errors.def"
};
#undef AXE_ERROR

#endif
