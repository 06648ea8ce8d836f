# Starts wine for tests/windows and tests/packages, which source this file.
# shellcheck shell=bash

# Sets `wine`, and fails with the reason on standard output if wine or the compiler is missing.
find_wine() {
  command -v x86_64-w64-mingw32-gcc >/dev/null || { echo 'no compiler: apt-get install gcc-mingw-w64-x86-64'; return 1; }
  # Debian's wine64 has no name in PATH.
  wine=
  for one in wine64 /usr/lib/wine/wine64 wine; do
    if command -v "$one" >/dev/null; then wine=$(command -v "$one"); break; fi
  done
  [ "$wine" ] || { echo 'no wine: apt-get install wine64'; return 1; }
}

# Creates a prefix in a folder, which must also contain the programs to run. New files are private from then on:
# wine adds the entries of the folder to each access control list, and rosterpatch refuses a journal that other
# accounts can read.
start_wine() {
  umask 077
  export WINEPREFIX=$1/prefix WINEDEBUG=-all
  "$wine" wineboot --init >/dev/null 2>&1 || return 1
  # Versions of wine before 9 lack the library from which Rust gets random numbers.
  [ ! -f "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" ] || return 0
  x86_64-w64-mingw32-gcc -shared -o "$1/bcryptprimitives.dll" -x c - -ladvapi32 <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
  return SystemFunction036(data, (ULONG)length);
}
C
}

# Ends the processes of this prefix only, and waits for them: they write to it until they have ended.
end_wine() {
  [ -d "${WINEPREFIX-}" ] || return 0
  "$wine" wineboot --kill >/dev/null 2>&1 || true
  for server in wineserver /usr/lib/wine/wineserver64 /usr/lib/wine/wineserver; do
    if command -v "$server" >/dev/null; then
      "$server" --kill >/dev/null 2>&1 || true
      "$server" --wait
      return
    fi
  done
}
