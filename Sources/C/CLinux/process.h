#pragma once
// prctl(2) is variadic, and a variadic function cannot be called from Swift.
#include <sys/prctl.h>
#include <time.h>

/// PR_SET_DUMPABLE of prctl(2): 0 on success, -1 with errno.
static inline int clinux_set_dumpable(int dumpable) {
    return prctl(PR_SET_DUMPABLE, (unsigned long)dumpable, 0, 0, 0);
}

/// PR_GET_DUMPABLE of prctl(2).
static inline int clinux_dumpable(void) {
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}
