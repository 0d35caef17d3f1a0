"""The kinds of project that can be exported to: where the C goes, and which templates stand around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from axedge.artifacts.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Form:
    """A kind of project.

    Attributes:
        name: as the user says it.
        title: for people.
        headers: folder of axnet_<kernel>.h, "" for the top.
        sources: folder of the C files, "" for the top.
        example: the example's main file; {library} and {kernel} stand for names. Its template is the form's own
            example if there is one, else the common one.
        files: further files by template, below templates/<name>/.
    """

    name: str
    title: str
    headers: str
    sources: str
    example: str
    files: Mapping[str, str]


def _form(name: str, title: str, headers: str, sources: str, example: str, **files: str) -> Form:
    named = {template.replace("__", "."): target for template, target in files.items()}
    return Form(name, title, headers, sources, example, MappingProxyType(named))


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        form.name: form
        for form in (
            _form("c", "plain C", "", "", "example.c"),
            _form(
                "arduino",
                "an Arduino library",
                "src",
                "src",
                "examples/OneResult/OneResult.ino",
                library__properties="library.properties",
                keywords__txt="keywords.txt",
            ),
            _form(
                "platformio",
                "a PlatformIO library",
                "include",
                "src",
                "examples/one_result/src/main.cpp",
                library__json="library.json",
                platformio__ini="examples/one_result/platformio.ini",
            ),
            _form(
                "cmake",
                "a CMake package",
                "include",
                "src",
                "example/main.c",
                CMakeLists__txt="CMakeLists.txt",
                config__cmake="cmake/{library}-config.cmake",
            ),
            _form(
                "zephyr",
                "a Zephyr module",
                "include",
                "src",
                "samples/one_result/src/main.c",
                module__yml="zephyr/module.yml",
                CMakeLists__txt="zephyr/CMakeLists.txt",
                Kconfig="zephyr/Kconfig",
                sample_CMakeLists__txt="samples/one_result/CMakeLists.txt",
                prj__conf="samples/one_result/prj.conf",
                sample__yaml="samples/one_result/sample.yaml",
            ),
            _form(
                "esp-idf",
                "an ESP-IDF component",
                "include",
                "src",
                "examples/one_result/main/main.c",
                idf_component__yml="idf_component.yml",
                CMakeLists__txt="CMakeLists.txt",
                Kconfig="Kconfig",
                example_CMakeLists__txt="examples/one_result/CMakeLists.txt",
                main_CMakeLists__txt="examples/one_result/main/CMakeLists.txt",
                main_idf_component__yml="examples/one_result/main/idf_component.yml",
            ),
        )
    }
)


def find_form(name: str) -> Form:
    """Return the form of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in FORMS:
        raise UsageError(f"cannot export to {name!r}.", did_you_mean(name, FORMS))
    return FORMS[name]
