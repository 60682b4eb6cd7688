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

#include <unistd.h>

int pipe2(int[2], int);

/// pipe2(2), declared under _GNU_SOURCE only: 0 on success, -1 with errno.
static inline int clinux_pipe(int ends[2], int flags) {
    return pipe2(ends, flags);
}

// posix_spawn(3) and its file actions; closefrom(2) among them is declared under _GNU_SOURCE only.
#include <spawn.h>

/// posix_spawn_file_actions_addclosefrom_np of Glibc 2.34: 0 on success, else an errno(3) value.
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);

/// Closes every descriptor from `first` on in the child: 0 on success, else an errno(3) value.
static inline int clinux_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

#include <malloc.h>

/// M_ARENA_MAX of mallopt(3): 1 on success, else 0.
static inline int clinux_limit_arenas(int count) {
    return mallopt(M_ARENA_MAX, count);
}

/// M_MMAP_THRESHOLD of mallopt(3), which then no longer grows by itself: 1 on success, else 0.
static inline int clinux_set_mapping_threshold(int byte_count) {
    return mallopt(M_MMAP_THRESHOLD, byte_count);
}
