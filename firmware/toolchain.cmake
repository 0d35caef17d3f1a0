# A cross compiler without an operating system: AXE_COMPILER names it.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_C_COMPILER "${AXE_COMPILER}")
set(CMAKE_ASM_COMPILER "${AXE_COMPILER}")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY) # nothing can be linked before there is a linker script
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES AXE_COMPILER)
