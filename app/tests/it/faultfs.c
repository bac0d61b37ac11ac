/* A disk that fails on demand: preloaded into the program under test, it sits between SQLite and the system's file calls.
 *
 * It watches FAULTFS_FILE and the files beside it whose names begin with it (-wal, -journal, -shm). Into FAULTFS_STATE it
 * writes, before each change, what the change undoes and does; a successful fsync empties that record. So after a
 * `kill -9` the record holds exactly what a power cut could have taken: the test does the cut (faultfs.rs).
 *
 * Not recorded: the -shm file (memory that the first opener after a crash rebuilds), and removals (durable at once). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Set and read by the test through a shared file; the order is that of `Dial` in faultfs.rs. */
struct dials {
  atomic_uint sync_mode;   /* one of the SYNC_ values */
  atomic_uint sync_ms;     /* each fsync takes this long */
  atomic_uint room;        /* writes until the disk is full; ENDLESS: it never is */
  atomic_uint fail_in;     /* the n-th call from now fails once with EIO; 0: none */
  atomic_uint syncs;       /* file syncs that came back with success */
  atomic_uint refused;     /* calls that failed on purpose */
  atomic_uint syncing;     /* syncs that are under way */
};
enum { SYNC_HONEST, SYNC_IGNORED, SYNC_FAILS, SYNC_HELD };
#define ENDLESS 0xffffffffu

enum { DATABASE, WAL, JOURNAL, SHM, FOLDER, KINDS };
static const char *const ENDINGS[KINDS] = {"", "-wal", "-journal", "-shm", NULL};

#define DESCRIPTORS 4096
static signed char kind_of[DESCRIPTORS]; /* kind + 1 of what a descriptor is open on; 0: not watched */
static char watched[512], folder[512], state[512];
static int record_of[KINDS] = {-1, -1, -1, -1, -1};
static struct dials *dials;
/* One disk: changes and syncs come one after the other, reads do not wait. */
static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;

static int real_open(const char *path, int flags, int mode) {
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static void die(const char *what) {
  perror(what);
  abort();
}

__attribute__((constructor)) static void start(void) {
  const char *file = getenv("FAULTFS_FILE"), *where = getenv("FAULTFS_STATE");
  char path[600];
  if (!file || !where) return;
  snprintf(watched, sizeof watched, "%s", file);
  snprintf(folder, sizeof folder, "%s", file);
  *strrchr(folder, '/') = 0;
  snprintf(state, sizeof state, "%s", where);
  for (int kind = DATABASE; kind <= JOURNAL; kind++) {
    snprintf(path, sizeof path, "%s/changes%s", state, ENDINGS[kind]);
    record_of[kind] = real_open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (record_of[kind] < 0) die(path);
  }
  snprintf(path, sizeof path, "%s/dials", state);
  int fd = real_open(path, O_RDWR | O_CLOEXEC, 0);
  dials = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (dials == MAP_FAILED) die(path);
  atomic_store(&dials->syncing, 0); /* the one before may have died in a sync */
}

static int kind_of_path(const char *path) {
  size_t length = strlen(watched);
  if (!dials) return -1;
  if (!strcmp(path, folder)) return FOLDER;
  if (strncmp(path, watched, length)) return -1;
  for (int kind = DATABASE; kind <= SHM; kind++)
    if (!strcmp(path + length, ENDINGS[kind])) return kind;
  return -1;
}

static int kind_of_fd(int fd) {
  return dials && fd >= 0 && fd < DESCRIPTORS ? kind_of[fd] - 1 : -1;
}

/* A file's name is durable only after a sync of its folder; until then a marker says that it may vanish. */
static void marker(char *path, size_t size, int kind) {
  snprintf(path, size, "%s/created%s", state, ENDINGS[kind]);
}

static int watched_open(const char *path, int flags, int mode) {
  int kind = kind_of_path(path);
  char created[600];
  if (kind < 0) return real_open(path, flags, mode);
  pthread_mutex_lock(&disk);
  if (kind <= JOURNAL && (flags & O_CREAT) && access(path, F_OK)) {
    marker(created, sizeof created, kind);
    close(real_open(created, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  }
  int fd = real_open(path, flags, mode);
  if (fd >= DESCRIPTORS) die("too many descriptors");
  if (fd >= 0) kind_of[fd] = (signed char)(kind + 1);
  pthread_mutex_unlock(&disk);
  return fd;
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
  va_end(rest);
  return watched_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
  va_end(rest);
  return watched_open(path, flags, mode);
}

int close(int fd) {
  if (kind_of_fd(fd) >= 0) kind_of[fd] = 0;
  return (int)syscall(SYS_close, fd);
}

int unlink(const char *path) {
  int kind = kind_of_path(path);
  char created[600];
  if (kind < 0 || kind > JOURNAL) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  pthread_mutex_lock(&disk);
  int answer = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0), why = errno;
  if (!answer) {
    if (ftruncate(record_of[kind], 0)) die("changes");
    marker(created, sizeof created, kind);
    syscall(SYS_unlinkat, AT_FDCWD, created, 0);
  }
  pthread_mutex_unlock(&disk);
  errno = why;
  return answer;
}

/* One record: where, how long the file was, how many bytes were there and how many come; then those bytes. A new length
 * (of a truncation) stands in `where`, with no bytes to come. */
struct change {
  uint64_t where, size, undone, done;
};

static void record(int kind, int fd, uint64_t where, const void *bytes, uint64_t count) {
  struct stat file;
  if (kind > JOURNAL) return;
  if (fstat(fd, &file)) die("fstat");
  uint64_t size = (uint64_t)file.st_size, end = bytes ? where + count : size;
  uint64_t undone = (end < size ? end : size) > where ? (end < size ? end : size) - where : 0;
  struct change head = {where, size, undone, bytes ? count : 0};
  size_t total = sizeof head + undone + head.done;
  char *text = malloc(total);
  if (!text) die("malloc");
  memcpy(text, &head, sizeof head);
  if (pread(fd, text + sizeof head, undone, (off_t)where) != (ssize_t)undone) die("pread");
  if (bytes) memcpy(text + sizeof head + undone, bytes, count);
  if (syscall(SYS_write, record_of[kind], text, total) != (long)total) die("changes");
  free(text);
}

/* True when this call is the one that fails. */
static int fails_now(void) {
  unsigned left = atomic_load(&dials->fail_in);
  if (!left) return 0;
  atomic_store(&dials->fail_in, left - 1);
  if (left > 1) return 0;
  atomic_fetch_add(&dials->refused, 1);
  errno = EIO;
  return 1;
}

/* How many of the bytes still fit: all, half of them in the write that fills the disk, none after it. */
static size_t fits(size_t count) {
  unsigned room = atomic_load(&dials->room);
  if (room == ENDLESS) return count;
  if (!room) {
    atomic_fetch_add(&dials->refused, 1);
    return 0;
  }
  atomic_store(&dials->room, room - 1);
  return room > 1 ? count : (count + 1) / 2;
}

static ssize_t put(int kind, int fd, const void *bytes, size_t count, off_t where) {
  ssize_t answer = -1;
  pthread_mutex_lock(&disk);
  size_t fit = fits(count);
  if (!fit && count) {
    errno = ENOSPC;
  } else if (!fails_now()) {
    off_t at = where < 0 ? lseek(fd, 0, SEEK_CUR) : where;
    record(kind, fd, (uint64_t)at, bytes, fit);
    answer = where < 0 ? syscall(SYS_write, fd, bytes, fit) : syscall(SYS_pwrite64, fd, bytes, fit, where);
  }
  int why = errno;
  pthread_mutex_unlock(&disk);
  errno = why;
  return answer;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  int kind = kind_of_fd(fd);
  return kind < 0 ? syscall(SYS_write, fd, bytes, count) : put(kind, fd, bytes, count, -1);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t where) {
  int kind = kind_of_fd(fd);
  return kind < 0 ? syscall(SYS_pwrite64, fd, bytes, count, where) : put(kind, fd, bytes, count, where);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t where) {
  return pwrite64(fd, bytes, count, where);
}

int ftruncate64(int fd, off64_t size) {
  int kind = kind_of_fd(fd), answer = -1;
  if (kind < 0) return (int)syscall(SYS_ftruncate, fd, size);
  struct stat file;
  pthread_mutex_lock(&disk);
  if (fstat(fd, &file)) die("fstat");
  if (size > file.st_size && !fits(1)) {
    errno = ENOSPC;
  } else if (!fails_now()) {
    record(kind, fd, (uint64_t)size, NULL, 0);
    answer = (int)syscall(SYS_ftruncate, fd, size);
  }
  int why = errno;
  pthread_mutex_unlock(&disk);
  errno = why;
  return answer;
}

int ftruncate(int fd, off_t size) {
  return ftruncate64(fd, size);
}

static void sync_folder(void) {
  char created[600];
  for (int kind = DATABASE; kind <= JOURNAL; kind++) {
    marker(created, sizeof created, kind);
    syscall(SYS_unlinkat, AT_FDCWD, created, 0);
  }
}

/* The real disk is not asked: the record stands for it. */
static int sync_now(int kind) {
  if (fails_now()) return -1;
  if (atomic_load(&dials->sync_mode) == SYNC_FAILS) {
    atomic_fetch_add(&dials->refused, 1);
    errno = EIO;
    return -1;
  }
  if (atomic_load(&dials->sync_mode) == SYNC_IGNORED) return 0;
  if (kind == FOLDER) sync_folder();
  if (kind <= JOURNAL && ftruncate(record_of[kind], 0)) die("changes");
  atomic_fetch_add(&dials->syncs, kind != FOLDER);
  return 0;
}

int fsync(int fd) {
  int kind = kind_of_fd(fd);
  if (kind < 0) return (int)syscall(SYS_fsync, fd);
  pthread_mutex_lock(&disk);
  atomic_fetch_add(&dials->syncing, 1);
  while (atomic_load(&dials->sync_mode) == SYNC_HELD) usleep(1000);
  usleep(1000 * atomic_load(&dials->sync_ms));
  atomic_fetch_sub(&dials->syncing, 1);
  int answer = sync_now(kind), why = errno;
  pthread_mutex_unlock(&disk);
  errno = why;
  return answer;
}

int fdatasync(int fd) {
  return fsync(fd);
}
