"""What an image takes of a board's memories, read from its ELF file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FLASH_SYMBOL, RAM_SYMBOL = "axe_flash_size", "axe_ram_size"


@dataclass(frozen=True)
class Sizes:
    """Bytes of an image: code, constants and initial values; static variables without the stack."""

    flash_bytes: int
    ram_bytes: int


def image_sizes(elf: Path) -> Sizes:
    """Measure an image.

    A microcontroller's linker script counts, gaps of alignment included, and its HELLO reports the same symbols. A
    program of the host has no such script: there the sections count.
    """
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    with elf.open("rb") as file:
        image = ELFFile(file)
        symbols = image.get_section_by_name(".symtab")
        if isinstance(symbols, SymbolTableSection):
            flash_size, ram_size = (symbols.get_symbol_by_name(name) for name in (FLASH_SYMBOL, RAM_SYMBOL))
            if flash_size and ram_size:
                return Sizes(flash_size[0]["st_value"], ram_size[0]["st_value"])
        flash = ram = 0
        for section in image.iter_sections():
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                flash += section["sh_size"] if section["sh_type"] != "SHT_NOBITS" else 0
                ram += section["sh_size"] if section["sh_flags"] & SH_FLAGS.SHF_WRITE else 0
        return Sizes(flash, ram)
