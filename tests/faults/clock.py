"""A wall clock that can be stepped: processes that are started with its variables see it."""

import struct
import subprocess
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static const volatile int64_t *step;

__attribute__((constructor)) static void find_step(void) {
    const char *path = getenv("CLOCK_STEP_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *found = file < 0 ? MAP_FAILED : mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
    step = found == MAP_FAILED ? 0 : found;
}

int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(id, now);
    int wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
    if (!failed && step && wall) now->tv_sec += *step;
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"""


class SteppableClock:
    """Compiled into a folder that every user can read."""

    def __init__(self, folder: Path) -> None:
        self._step_file = folder / "clock-step"
        self._library = folder / "clock.so"
        self.step(0)
        self._step_file.chmod(0o644)
        source = folder / "clock.c"
        source.write_text(_SOURCE)
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O2", "-o", self._library, source, "-ldl"], check=True
        )

    @property
    def variables(self) -> dict[str, str]:
        """What a process has to be started with."""
        return {"LD_PRELOAD": str(self._library), "CLOCK_STEP_FILE": str(self._step_file)}

    def step(self, seconds: int) -> None:
        """Have every such process see a wall clock that is ahead of the true one."""
        mode = "r+b" if self._step_file.exists() else "wb"
        with self._step_file.open(mode) as file:
            file.write(struct.pack("=q", seconds))
