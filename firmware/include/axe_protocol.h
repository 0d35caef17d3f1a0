/* The numbers of docs/protocol.md, once. All integers on the wire are little-endian. */
#ifndef AXE_PROTOCOL_H
#define AXE_PROTOCOL_H

#define AXE_PROTOCOL_VERSION 2

enum axe_type {
    AXE_TYPE_HELLO = 0x01,
    AXE_TYPE_RUN = 0x02,
    AXE_TYPE_VECTORS = 0x03,
    AXE_TYPE_MORE = 0x40,  /* bit: another frame of the same window follows at once */
    AXE_TYPE_REPLY = 0x80, /* bit */
    AXE_TYPE_ERROR = 0xFF
};

enum axe_mode { AXE_MODE_GATED = 0, AXE_MODE_APPROXIMATE = 1, AXE_MODE_EXACT = 2, AXE_MODE_BOTH = 3 };

/* Which way a sample took; equal to the generated code's axe_path. */
enum axe_wire_path { AXE_WIRE_APPROXIMATED = 0, AXE_WIRE_UNSAFE = 1, AXE_WIRE_OUT_OF_DOMAIN = 2 };

enum axe_wire_engine { AXE_WIRE_ENGINE_AOT = 0, AXE_WIRE_ENGINE_TFLM = 1, AXE_WIRE_ENGINE_NONE = 2 };

enum axe_tick_source {
    AXE_TICKS_NONE = 0,
    AXE_TICKS_DWT = 1,
    AXE_TICKS_SYSTICK = 2,
    AXE_TICKS_TIMER = 3,
    AXE_TICKS_MCYCLE = 4,
    AXE_TICKS_HOST = 5
};

enum axe_reset_cause {
    AXE_RESET_UNKNOWN = 0,
    AXE_RESET_POWER_ON = 1,
    AXE_RESET_PIN = 2,
    AXE_RESET_SOFTWARE = 3,
    AXE_RESET_WATCHDOG = 4,
    AXE_RESET_FAULT = 5
};

/* Sizes in bytes. */
enum axe_size {
    AXE_HEADER_BYTES = 7,      /* type u8, seq u16, build u32 */
    AXE_CRC_BYTES = 4,         /* CRC-32 over all before it */
    AXE_HELLO_FIXED_BYTES = 76, /* HELLO's reply up to the names */
    AXE_ERROR_BYTES = 10,      /* code u8, request type u8, detail u64 */
    AXE_RUN_HEADER_BYTES = 2,  /* mode u8, count u8 */
    AXE_VECTORS_HEADER_BYTES = 1 /* count u8 */
};

#endif
