"""Each kind of project: compiled and run as far as this machine's tools go, its manifests held against their rules."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from unittest import mock

import pytest
import yaml
from dropin_kit import HERE, WARNINGS, check_printed, run, sources_of

from axedge.convert.dropin import FORMS

pytestmark = [pytest.mark.train, pytest.mark.cc, pytest.mark.xdist_group("dropin")]

KERNELS = ("inversek2j", "own", "recorded")
EXPORTS = (*((name, "aot") for name in KERNELS), ("inversek2j", "tflm"))
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(\+[0-9A-Za-z-]+)?")  # semver.org 2.0.0
CORES = {
    "arm-none-eabi-gcc": (("-mcpu=cortex-m0",), ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")),
    "avr-gcc": (("-mmcu=atmega328p",),),
    "riscv64-unknown-elf-gcc": (("-march=rv32imac", "-mabi=ilp32", "-misa-spec=2.2", "--specs=picolibc.specs"),),
}


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_plain_c_is_clean_and_prints_one_result(converted, exported, tmp_path: Path, name: str, compiler: str) -> None:
    folder, one = exported(name, "c"), converted(name)
    sources = sources_of(folder, name, "c", one.kernel)
    for standard in ("c99", "c11"):
        files = [folder / "example.c", *sources]
        run(compiler, f"-std={standard}", "-O2", *WARNINGS, *files, "-lm", "-o", tmp_path / "example")
    check_printed(run(tmp_path / "example"), one)


@pytest.mark.qemu
@pytest.mark.parametrize("form", FORMS)
def test_the_c_of_every_form_is_clean_for_microcontrollers(converted, exported, tmp_path: Path, form: str) -> None:
    for name in KERNELS if form == "c" else KERNELS[:1]:
        folder = exported(name, form)
        sources = sources_of(folder, name, form, converted(name).kernel)
        for compiler, cores in CORES.items():
            for core in cores:
                for source in sources:
                    # On an AVR a double is a float, and avr-libc declares float functions with it.
                    warnings = [flag for flag in WARNINGS if compiler != "avr-gcc" or flag != "-Wdouble-promotion"]
                    flags = (*core, "-std=c99", "-O2", *warnings, "-I", folder / FORMS[form].headers, "-c")
                    run(compiler, *flags, source, "-o", tmp_path / "x.o")


@pytest.mark.parametrize("name", KERNELS)
def test_the_arduino_library_under_the_arduino_builder(converted, exported, tmp_path: Path, name: str) -> None:
    builder = shutil.which("arduino-builder")
    if builder is None:
        pytest.skip("arduino-builder is not installed, and this system may have no package of it")
    folder = exported(name, "arduino")
    shutil.copytree(HERE / "arduino", tmp_path / "hardware" / "axedge" / "samd")
    sketch = tmp_path / "OneResult"  # examples are opened as a copy, so that only the library itself is searched
    shutil.copytree(folder / "examples" / "OneResult", sketch)
    (tmp_path / "build").mkdir()
    options = ("-hardware", tmp_path / "hardware", "-tools", tmp_path / "hardware", "-libraries", folder.parent)
    board = ("-fqbn", "axedge:samd:computer", "-build-path", tmp_path / "build", "-warnings", "all")
    run(builder, "-compile", *options, *board, sketch / "OneResult.ino")
    check_printed(run(tmp_path / "build" / "OneResult.ino.elf"), converted(name))


@pytest.mark.parametrize(("name", "engine"), EXPORTS)
def test_the_arduino_manifest_follows_the_specification(exported, name: str, engine: str) -> None:
    """Rules of docs.arduino.cc/arduino-cli/library-specification (format 1.5, revision 2.2)."""
    folder = exported(name, "arduino", engine)
    lines = (folder / "library.properties").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split("=", 1) for line in lines)
    needed = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    assert needed <= set(fields) <= needed | {"includes"} and len(fields) == len(lines)
    assert all(value.strip() == value != "" for value in fields.values())
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", fields["name"]) and fields["name"] == folder.name
    assert VERSION.fullmatch(fields["version"])
    assert not fields["maintainer"].lower().startswith("arduino")
    categories = (
        "Display,Communication,Signal Input/Output,Sensors,Device Control,Timing,Data Storage,Data Processing,Other"
    )
    assert fields["category"] in categories.split(",")
    assert re.fullmatch(r"https?://\S+", fields["url"])
    assert ("avr" in fields["architectures"].split(",")) == (engine == "aot")
    assert (folder / "src" / fields["includes"]).is_file()
    assert not {path.name for path in folder.iterdir()} & {"utility", "libraries"}  # "utility" is for format 1.0
    for sketch in (folder / "examples").iterdir():
        assert (sketch / f"{sketch.name}.ino").is_file()
    for line in (folder / "keywords.txt").read_text().splitlines():
        assert re.fullmatch(r"\w+\t(KEYWORD[123]|LITERAL[12])", line)


@pytest.mark.parametrize(("name", "engine"), EXPORTS)
def test_the_platformio_manifest_passes_platformios_own_schema(exported, name: str, engine: str) -> None:
    from platformio.package.manifest.parser import LibraryJsonManifestParser, ManifestParserFactory
    from platformio.package.manifest.schema import ManifestSchema

    folder = exported(name, "platformio", engine)
    parser = ManifestParserFactory.new_from_dir(str(folder))
    assert isinstance(parser, LibraryJsonManifestParser)
    # PlatformIO fetches the list of licences; this is the one that may stand here.
    known = staticmethod(lambda: {"licenses": [{"licenseId": "Apache-2.0"}]})
    with mock.patch.object(ManifestSchema, "load_spdx_licenses", known):
        read = ManifestSchema().load_manifest(parser.as_dict())
    written = json.loads((folder / "library.json").read_text())
    assert {key: read[key] for key in ("name", "version", "description")} == {
        key: written[key] for key in ("name", "version", "description")
    }
    assert read.get("license") == (None if name == "own" else "Apache-2.0")
    for example in read["examples"]:
        for file in example["files"]:
            assert (folder / example["base"] / file).is_file()
    assert (folder / "include" / read["headers"][0]).is_file()


@pytest.mark.parametrize("arduino", [False, True], ids=["native", "arduino"])
def test_the_platformio_example_runs(converted, exported, tmp_path: Path, arduino: bool) -> None:
    folder, one = exported("inversek2j", "platformio"), converted("inversek2j")
    core = HERE / "arduino" / "cores" / "arduino"
    flags = ("-DARDUINO=10800", "-I", core, core / "main.cpp") if arduino else ()
    objects = []
    for source in sources_of(folder, "inversek2j", "platformio", one.kernel):
        objects.append(tmp_path / f"{source.stem}.o")
        run("gcc", "-c", "-I", folder / "include", source, "-o", objects[-1])
    main = folder / "examples" / "one_result" / "src" / "main.cpp"
    strict = ("-std=c++11", "-Wall", "-Wextra", "-Werror")
    run("g++", *strict, "-I", folder / "include", *flags, main, *objects, "-lm", "-o", tmp_path / "x")
    check_printed(run(tmp_path / "x"), one)


CONSUMER = """
cmake_minimum_required(VERSION 3.15)
project(consumer C CXX)
if(FIND)
  find_package(axnet_{name} {version} EXACT CONFIG REQUIRED)
else()
  add_subdirectory(${{FOLDER}} dropin)
endif()
add_executable(app main.cpp {exact})
target_link_libraries(app PRIVATE axnet::{name})
if(TARGET example_{name})
  message(FATAL_ERROR "the example is no part of the user's project")
endif()
"""
CONSUMER_MAIN = """
#include "axnet_{name}.h"
#include <cstdio>
int main()
{{
    float in[AXE_{NAME}_INPUTS] = {{1e9f}}, out[AXE_{NAME}_OUTPUTS] = {{}};
    const axe_path path = axe_{name}(in, out);
    std::printf("%d %g\\n", static_cast<int>(path), static_cast<double>(out[0]));
}}
"""


def cmake(source: Path, build: Path, *options: str, install: Path | None = None) -> None:
    run("cmake", "-G", "Ninja", "-S", source, "-B", build, "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror", *options)
    run("cmake", "--build", build)
    if install:
        run("cmake", "--install", build, "--prefix", install)


@pytest.mark.parametrize("name", KERNELS)
def test_the_cmake_package_by_itself_added_and_found(converted, exported, tmp_path: Path, name: str) -> None:
    folder, one = exported(name, "cmake"), converted(name)
    cmake(folder, tmp_path / "alone", install=tmp_path / "prefix")
    check_printed(run(tmp_path / "alone" / f"example_{name}"), one)
    user = tmp_path / "user"
    user.mkdir()
    version = re.search(r"VERSION (\d+\.\d+\.\d+) LANGUAGES", (folder / "CMakeLists.txt").read_text())[1]
    (user / "CMakeLists.txt").write_text(CONSUMER.format(name=name, version=version, exact=""))
    (user / "main.cpp").write_text(CONSUMER_MAIN.format(name=name, NAME=name.upper()))
    cmake(user, tmp_path / "added", f"-DFOLDER={folder}")
    cmake(user, tmp_path / "found", "-DFIND=ON", f"-DCMAKE_PREFIX_PATH={tmp_path / 'prefix'}")
    added, found = run(tmp_path / "added" / "app"), run(tmp_path / "found" / "app")
    assert added == found and added.startswith("2 ")


def test_the_cmake_package_with_an_exact_function_of_the_users_own(exported, tmp_path: Path) -> None:
    folder = exported("inversek2j", "cmake")
    (tmp_path / "CMakeLists.txt").write_text(CONSUMER.format(name="inversek2j", version="", exact="mine.c"))
    (tmp_path / "main.cpp").write_text(CONSUMER_MAIN.format(name="inversek2j", NAME="INVERSEK2J"))
    (tmp_path / "mine.c").write_text(
        "void mine(const float in[2], float out[2]);\n"
        "void mine(const float in[2], float out[2]) { out[0] = 42.0f; out[1] = in[0]; }\n"
    )
    cmake(tmp_path, tmp_path / "build", f"-DFOLDER={folder}", "-DAXNET_INVERSEK2J_EXACT=mine")
    assert run(tmp_path / "build" / "app").split() == ["2", "42"]
    assert "inversek2j.c.o" not in run("ar", "t", tmp_path / "build" / "dropin" / "libaxnet_inversek2j.a").split()


def kconfig(top: str, settings: str, folder: Path) -> Path:
    """Run Kconfig over a tree, warnings being errors; return a CMake file of the CONFIG_ values."""
    import kconfiglib

    (folder / "Kconfig").write_text(top)
    (folder / "prj.conf").write_text(settings)
    tree = kconfiglib.Kconfig(str(folder / "Kconfig"), warn_to_stderr=False)
    tree.load_config(str(folder / "prj.conf"))
    assert tree.warnings == []
    lines = [f'set(CONFIG_{one.name} "{one.str_value}")' for one in tree.unique_defined_syms if one.str_value != "n"]
    (folder / "config.cmake").write_text("\n".join(lines) + "\n")
    return folder / "config.cmake"


def own_exact(folder: Path, name: str, inputs: int) -> Path:
    path = folder / "mine.c"
    signature = f"void mine(const float in[{inputs}], float out[1])"
    path.write_text(f"{signature};\n{signature} {{ out[0] = in[0]; }}\n")
    return path


@pytest.mark.parametrize("name", KERNELS)
def test_the_zephyr_module(converted, exported, tmp_path: Path, name: str) -> None:
    """Rules of Zephyr's doc/develop/modules.rst and of the sample.yaml of Twister, doc/develop/test/twister.rst."""
    folder, sample = exported(name, "zephyr"), exported(name, "zephyr") / "samples" / "one_result"
    module = yaml.safe_load((folder / "zephyr" / "module.yml").read_text())
    assert set(module) == {"name", "build", "samples"} and module["name"] == folder.name
    assert set(module["build"]) == {"cmake", "kconfig"}
    assert (folder / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert all((folder / path).is_dir() for path in module["samples"])
    body = yaml.safe_load((sample / "sample.yaml").read_text())
    assert set(body) == {"sample", "tests"} and set(body["sample"]) <= {"name", "description"}
    (test,) = body["tests"].values()
    assert set(test) == {"tags", "integration_platforms", "harness", "harness_config"}
    assert test["harness"] == "console" and test["harness_config"]["type"] == "one_line"
    upper = f"AXNET_{name.upper()}"
    top = f'config REQUIRES_FULL_LIBC\n\tbool\nsource "{folder / module["build"]["kconfig"]}"\n'
    config = kconfig(top, (sample / "prj.conf").read_text(), tmp_path)
    assert ('set(CONFIG_REQUIRES_FULL_LIBC "y")' in config.read_text()) == converted(name).kernel.has_exact
    found = (f"-DZephyr_DIR={HERE / 'zephyr'}", f"-DMODULE_CMAKE_DIR={module['build']['cmake']}")
    cmake(sample, tmp_path / "build", *found, f"-DKCONFIG_CMAKE={config}")
    printed = run(tmp_path / "build" / "app")
    check_printed(printed, converted(name))
    assert not printed.startswith("the network") and re.search(
        test["harness_config"]["regex"][0], f"{name}: the network answered"
    )
    assert "$" not in (folder / module["build"]["kconfig"]).read_text()  # Kconfig would put variables in
    off = kconfig(top, f"CONFIG_{upper}=n\n", tmp_path)
    assert f"set(CONFIG_{upper} " not in off.read_text()


def test_the_zephyr_module_with_an_exact_function_of_the_users_own(converted, exported, tmp_path: Path) -> None:
    folder = exported("inversek2j", "zephyr")
    top = f'config REQUIRES_FULL_LIBC\n\tbool\nsource "{folder / "zephyr" / "Kconfig"}"\n'
    config = kconfig(top, 'CONFIG_AXNET_INVERSEK2J=y\nCONFIG_AXNET_INVERSEK2J_EXACT="mine"\n', tmp_path)
    sample = tmp_path / "app" / "samples" / "one_result"
    shutil.copytree(folder, tmp_path / "app")
    with (sample / "CMakeLists.txt").open("a") as file:
        file.write(f"target_sources(app PRIVATE {own_exact(tmp_path, 'inversek2j', 2)})\n")
    found = (f"-DZephyr_DIR={HERE / 'zephyr'}", "-DMODULE_CMAKE_DIR=zephyr", f"-DKCONFIG_CMAKE={config}")
    cmake(sample, tmp_path / "build", *found)
    exact = run(tmp_path / "build" / "app").splitlines()[1].rsplit(", exact ", 1)[1]
    source = (sample / "src" / "main.c").read_text()
    assert float(exact) == pytest.approx(float(re.search(r"input\[2\] = \{([-\d.e]+)f", source)[1]), rel=6e-6)


@pytest.mark.parametrize("name", KERNELS)
def test_the_esp_idf_component(converted, exported, tmp_path: Path, name: str) -> None:
    from idf_component_tools.manager import ManifestManager

    folder = exported(name, "esp-idf")
    main = folder / "examples" / "one_result" / "main"
    manifest = ManifestManager(str(folder), name=folder.name, upload_mode="component").load()
    assert VERSION.fullmatch(str(manifest.version)) and manifest.description
    assert manifest.license == (None if name == "own" else "Apache-2.0")
    (needed,) = ManifestManager(str(main), name="main").load().requirements
    assert (main / needed.override_path).resolve() == folder.resolve()
    config = kconfig(f'source "{folder / "Kconfig"}"\n', "", tmp_path)
    (tmp_path / "caller.c").write_text("void app_main(void);\nint main(void) { app_main(); return 0; }\n")
    options = (
        f"-DCOMPONENTS={folder};{main}",
        f"-DKCONFIG_CMAKE={config}",
        f"-DAPP_MAIN_CALLER={tmp_path / 'caller.c'}",
    )
    with mock.patch.dict(os.environ, IDF_PATH=str(HERE / "idf")):
        cmake(main.parent, tmp_path / "build", *options)
    check_printed(run(tmp_path / "build" / "one_result"), converted(name))


def test_the_esp_idf_component_with_an_exact_function_of_the_users_own(exported, tmp_path: Path) -> None:
    folder = exported("inversek2j", "esp-idf")
    config = kconfig(f'source "{folder / "Kconfig"}"\n', 'CONFIG_AXNET_INVERSEK2J_EXACT="mine"\n', tmp_path)
    (tmp_path / "caller.c").write_text(
        "void app_main(void);\nint main(void) { app_main(); return 0; }\n"
        "void mine(const float *in, float *out);\n"
        "void mine(const float *in, float *out) { out[0] = out[1] = 7 + 0 * in[0]; }\n"
    )
    main = folder / "examples" / "one_result" / "main"
    options = (
        f"-DCOMPONENTS={folder};{main}",
        f"-DKCONFIG_CMAKE={config}",
        f"-DAPP_MAIN_CALLER={tmp_path / 'caller.c'}",
    )
    with mock.patch.dict(os.environ, IDF_PATH=str(HERE / "idf")):
        cmake(main.parent, tmp_path / "build", *options)
    assert all(line.endswith(", exact 7.00000") for line in run(tmp_path / "build" / "one_result").splitlines()[1:])
