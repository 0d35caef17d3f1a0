/* What resets a process as a fault or a watchdog resets a board: the program is executed anew in its place. */
#ifndef AXE_NATIVE_RESTART_H
#define AXE_NATIVE_RESTART_H

#include "axe_protocol.h"

/* If this program was started by a reset, return its cause and set *listener to the socket that is still open; else return
 * AXE_RESET_POWER_ON and leave it alone.
 */
enum axe_reset_cause native_reset_cause(int argc, char **argv, int *listener);

/* From now on a crash resets the process, and so does a call that takes more than 8 seconds of processor time. */
void native_restart_arm(const char *program, int listener);

/* Tell the watchdog that the firmware is alive. */
void native_watchdog_feed(void);

#endif
