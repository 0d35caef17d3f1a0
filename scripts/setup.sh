#!/bin/sh
# Everything that `make demo` and `make test` need: system packages and a .venv with the project.
#
#   scripts/setup.sh demo|test|test-tflm [BOARD]     say what is missing, check for room, install it
#   scripts/setup.sh plan demo|test|test-tflm        only say it
#
# Run again, it finds everything in place and says nothing. Interrupted, it takes up where it was.
set -eu

cd "$(dirname "$0")/.."

plan_only=no
if [ "${1:-}" = plan ]; then plan_only=yes; shift; fi
purpose=${1:-demo}
board=${2:-microbit}
venv=${VENV:-.venv}

# Measured with pip 26 on x86-64 Linux, Python 3.11: what the wheels weigh, and what they unpack to.
case $purpose in
  demo) extra=train; pip_download_mb=415; pip_disk_mb=1800 ;;
  test) extra=test;  pip_download_mb=510; pip_disk_mb=2150 ;;
  test-tflm) extra=test; pip_download_mb=510; pip_disk_mb=2150 ;;
  *) echo "usage: scripts/setup.sh [plan] demo|test|test-tflm [board]" >&2; exit 2 ;;
esac

say() { printf '%s\n' "$*" >&2; }
die() { say "axedge set-up: $*"; exit 2; }
have() { command -v "$1" >/dev/null 2>&1; }

# ---- what is missing -------------------------------------------------------------------------------------------

usable_python() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

can_make_venv() {
  "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

find_python() {
  found=
  for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
    usable_python "$candidate" || continue
    [ -n "$found" ] || found=$candidate
    if can_make_venv "$candidate"; then found=$candidate; return; fi
  done
}

has_headers() {
  printf '#include <stdio.h>\n#include <math.h>\n' | "$1" -E -x c - >/dev/null 2>&1
}

has_arm_newlib() {
  have arm-none-eabi-gcc &&
    printf '#include <math.h>\nint main(void){return 0;}\n' |
      arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb --specs=nano.specs --specs=nosys.specs -x c - -o /dev/null >/dev/null 2>&1
}

# A distribution whose python3 is too old may have another one beside it.
apt_python() {
  for version in 3.11 3.12 3.13; do
    if have apt-cache && apt-cache show "python$version" >/dev/null 2>&1; then
      echo "python$version" "python$version-venv"
      return
    fi
  done
  echo python3 python3-venv
}

has_arm_cxx() {
  have arm-none-eabi-g++ &&
    printf '#include <cstdint>\n' | arm-none-eabi-g++ -mcpu=cortex-m0 -mthumb -E -x c++ - >/dev/null 2>&1
}

missing_packages() {
  if ! { have cc || have gcc; } || ! has_headers "$(command -v cc || command -v gcc)"; then echo gcc libc6-dev; fi
  if [ -n "$python" ]; then
    can_make_venv "$python" || echo "$(basename "$python" | sed 's/^python3$/python3/')-venv"
  elif have apt-get; then
    apt_python
  fi
  if [ "$board" != native ] || [ "$purpose" = test ]; then
    have arm-none-eabi-gcc || echo gcc-arm-none-eabi
    has_arm_newlib || echo libnewlib-arm-none-eabi
    have qemu-system-arm || echo qemu-system-arm
    have cmake || echo cmake
    have ninja || echo ninja-build
  fi
  if [ "$purpose" = test-tflm ]; then
    has_arm_cxx || echo libstdc++-arm-none-eabi-newlib
  fi
  if [ "$purpose" = test ]; then
    have g++ || echo g++
    have clang || echo clang
    have chromium || echo chromium
    have chromedriver || echo chromium-driver
    have cppcheck || echo cppcheck
    have clang-tidy || echo clang-tidy
    have git || echo git
    have riscv64-unknown-elf-gcc || echo gcc-riscv64-unknown-elf
    [ -d /usr/lib/picolibc/riscv64-unknown-elf ] || echo picolibc-riscv64-unknown-elf
    have qemu-system-riscv32 || echo qemu-system-misc
    have avr-gcc || echo gcc-avr
    [ -d /usr/lib/avr/include ] || echo avr-libc
    [ -f /usr/include/simavr/sim_avr.h ] || echo libsimavr-dev
    have node || echo nodejs
    have npm || echo npm
    if ! have arduino-builder && have apt-cache && apt-cache show arduino-builder >/dev/null 2>&1; then
      echo arduino-builder
    fi
    if have dpkg && ! dpkg -s libclang-rt-14-dev >/dev/null 2>&1 && apt-cache show libclang-rt-14-dev >/dev/null 2>&1; then
      echo libclang-rt-14-dev
    fi
  fi
}

# What emulators in JavaScript need (board.toml names it), and is not in the user's cache yet.
emulators=${XDG_CACHE_HOME:-$HOME/.cache}/axedge/emulators
missing_modules() {
  [ "$purpose" = test ] || return 0
  for module in $(sed -n 's/^modules = \["\(.*\)"\]$/\1/p' firmware/boards/*/board.toml); do
    grep -qs "\"version\": \"${module##*@}\"" "$emulators/node_modules/${module%@*}/package.json" || echo "$module"
  done
}

stamp_of() {
  { cat pyproject.toml; "$python" -VV; pwd; echo "$1"; } | cksum | tr ' ' -
}

venv_is_ready() {
  [ -x "$venv/bin/python" ] && "$venv/bin/python" -c '' >/dev/null 2>&1 || return 1
  stamp=$(cat "$venv/.axedge-ready" 2>/dev/null || true)
  # What the tests need holds all that the demo needs.
  [ "$stamp" = "$(stamp_of "$extra")" ] || [ "$stamp" = "$(stamp_of test)" ]
}

free_mb() { df -Pm "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }

find_python
python=$found
packages=$(missing_packages | tr '\n' ' ' | sed 's/ *$//')
modules=$(missing_modules | tr '\n' ' ' | sed 's/ *$//')
need_venv=no
venv_is_ready || need_venv=yes

if [ -z "$packages$modules" ] && [ "$need_venv" = no ]; then exit 0; fi

# ---- say it first ----------------------------------------------------------------------------------------------

as_root=
if [ -n "$packages" ] && [ "$(id -u)" != 0 ]; then
  if have sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then as_root=sudo; else as_root=none; fi
fi

apt_line="apt-get install --no-install-recommends $packages"

say "axedge set-up for \`make $purpose\`:"
if [ -n "$packages" ]; then
  say "  system packages   $packages"
  if have apt-get; then
    if [ "$as_root" != none ]; then ${as_root:+$as_root} apt-get update -qq >/dev/null 2>&1 || true; fi
    # shellcheck disable=SC2086  # a list of words
    apt_words=$(LC_ALL=C apt-get install --no-install-recommends --assume-no $packages 2>/dev/null |
      grep -E '^(Need to get|After this operation)' || true)
    [ -z "$apt_words" ] || printf '%s\n' "$apt_words" | sed 's/^/                    /' >&2
    apt_disk_mb=$(printf '%s\n' "$apt_words" |
      awk '/^After/ { gsub(",", "", $4); print int($4 * ($5 == "GB" ? 1000 : $5 == "MB" ? 1 : 0)) }')
  fi
fi
if [ "$need_venv" = yes ]; then
  say "  Python packages   into $venv/: about $pip_download_mb MB to download, $pip_disk_mb MB on disk (TensorFlow is most of it)"
fi

[ -z "$modules" ] || say "  npm packages      $modules, for emulators: into $emulators/"

# check_room FOLDER NEEDED_MB
check_room() {
  room=$(free_mb "$1")
  if [ -n "$room" ] && [ "$room" -lt "$2" ]; then
    die "not enough room on the disk of $1: $room MB free, $2 MB needed. Free some, or use a larger disk."
  fi
}

spare_mb=300 # pip and apt unpack beside what they install
apt_disk_mb=${apt_disk_mb:-0}
here_mb=0
[ "$need_venv" = no ] || here_mb=$pip_disk_mb
if [ "$apt_disk_mb" -gt 0 ] && [ "$(df -P . /usr | awk 'NR > 1 { print $1 }' | uniq | wc -l)" = 1 ]; then
  here_mb=$((here_mb + apt_disk_mb))
elif [ "$apt_disk_mb" -gt 0 ]; then
  check_room /usr $((apt_disk_mb + spare_mb))
fi
[ "$here_mb" = 0 ] || check_room "$PWD" $((here_mb + spare_mb))
[ "$plan_only" = no ] || exit 0

# ---- install ---------------------------------------------------------------------------------------------------

otherwise="or run \`make demo BOARD=native\`, which needs a C compiler only."
[ "$board" != native ] || otherwise="then run the same command again."
if [ -n "$packages" ]; then
  if ! have apt-get; then
    say "This system has no apt. Install the equivalents of: $packages"
    die "$otherwise"
  fi
  if [ "$as_root" = none ]; then
    say "System packages need root, and there is neither root nor sudo here. Have this line run, then try again:"
    say "    $apt_line"
    die "$otherwise"
  fi
  log=$(mktemp)
  say "Installing system packages ..."
  # shellcheck disable=SC2086  # lists of words
  if ! ${as_root:+$as_root} env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends $packages >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    rm -f "$log"
    die "apt could not install them. Try: $apt_line"
  fi
  rm -f "$log"
fi

find_python
python=$found
if [ -z "$python" ]; then
  die "no Python 3.11, 3.12 or 3.13 here. Install one (python.org, pyenv, or your system's package) and name it: make $purpose PYTHON=/path/to/python3.12"
fi
can_make_venv "$python" || die "$python has no venv module. Install it: apt-get install $(basename "$python")-venv"

if ! venv_is_ready; then
  say "Installing Python packages into $venv/ (a few minutes on a slow line) ..."
  rm -f "$venv/.axedge-ready"
  if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1 ||
      [ "$("$venv/bin/python" -V 2>&1)" != "$("$python" -V 2>&1)" ]; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
  fi
  bar=off
  [ ! -t 2 ] || bar=on
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --progress-bar $bar -e ".[$extra]" >&2 ||
    die "pip failed; its words are above. Nothing else was changed, so run the same command again when that is mended."
  # Without root there may be no CMake or Ninja from the system; their wheels serve as well.
  for tool in cmake ninja; do
    have $tool || "$venv/bin/python" -m pip install --quiet --disable-pip-version-check $tool >&2 ||
      die "pip could not install $tool."
  done
  stamp_of "$extra" >"$venv/.axedge-ready"
fi
if [ -n "$modules" ]; then
  # shellcheck disable=SC2086  # a list of words
  npm install --loglevel=error --no-fund --no-audit --prefix "$emulators" $modules >&2 || die "npm could not install $modules."
fi
say "axedge set-up: done."
