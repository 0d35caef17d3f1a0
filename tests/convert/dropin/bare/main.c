/* An application: every input of rows.h through the drop-in function; path and outputs come out as hexadecimal words. */
#include <stdint.h>
#include <string.h>

#include "axnet_inversek2j.h"
#include "rows.h"

#ifdef ENGINE_TFLM
#include "axnet_inversek2j_tflm.h"

static unsigned char arena[AXNET_INVERSEK2J_ARENA_BYTES] __attribute__((aligned(16)));
#endif

void put(const char *text);
int main(void);

static void put_word(uint32_t word)
{
    char text[10];
    int i;
    for (i = 7; i >= 0; i--) {
        text[i] = "0123456789abcdef"[word & 15u];
        word >>= 4;
    }
    text[8] = ' ';
    text[9] = '\0';
    put(text);
}

int main(void)
{
    int row, i;
#ifdef ENGINE_TFLM
    if (axe_inversek2j_tflm_open(arena, sizeof arena) != 0) {
        put("TFLM cannot be set up\n");
        return 1;
    }
#endif
    for (row = 0; row < ROWS; row++) {
        float in[AXE_INVERSEK2J_INPUTS], out[AXE_INVERSEK2J_OUTPUTS];
        memcpy(in, rows[row], sizeof in);
        put_word((uint32_t)axe_inversek2j(in, out));
        for (i = 0; i < AXE_INVERSEK2J_OUTPUTS; i++) {
            uint32_t word;
            memcpy(&word, &out[i], sizeof word);
            put_word(word);
        }
        put("\n");
    }
    return 0;
}
