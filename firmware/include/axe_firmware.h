/* The firmware's one entry: a board calls it when its C environment is up. */
#ifndef AXE_FIRMWARE_H
#define AXE_FIRMWARE_H

/* Calls axe_board_init and then serves the link for ever. */
void axe_firmware_run(void);

#endif
