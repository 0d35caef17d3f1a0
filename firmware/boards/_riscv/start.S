/* From reset to C on a RISC-V without an operating system, and from a trap to axe_riscv_fault on a stack of its own. */
    .section .start, "ax"
    .globl axe_reset
axe_reset:
    csrci mstatus, 8                /* MIE: no interrupt is ever taken */
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, axe_stack_top
    la tp, axe_thread_start         /* picolibc keeps errno in thread-local storage */
    la t0, axe_trap
    csrw mtvec, t0
    la t0, axe_trap_stack_top
    csrw mscratch, t0
    la t0, axe_data_load
    la t1, axe_data_start
    la t2, axe_data_end
1:  bgeu t1, t2, 2f
    lw t3, 0(t0)
    sw t3, 0(t1)
    addi t0, t0, 4
    addi t1, t1, 4
    j 1b
2:  la t1, axe_bss_start
    la t2, axe_bss_end
3:  bgeu t1, t2, 4f
    sw zero, 0(t1)
    addi t1, t1, 4
    j 3b
4:  call axe_firmware_run
5:  j 5b

    .align 2
axe_trap:
    csrr sp, mscratch               /* the thread's stack may be what overflowed */
    call axe_riscv_fault
    j axe_reset

    .section .bss.trap_stack, "aw", @nobits
    .align 4
    .space 128
axe_trap_stack_top:
