/* A disk that fails once it is told to, and that forgets what was never synced: loaded in front of
 * the C library.
 *
 * Beside each file FILE lies FILE.platter, which is what a loss of power would leave: what was
 * written gets there when it is synced, and what a failed sync was about never does, as the kernel
 * takes it for clean from then on.
 *
 * FAILING_DISK_FILES   what the path of a file must contain to lie on that disk
 * FAILING_DISK_HOW     eio | enospc | erofs | short: the write that fails; sync: the sync that fails
 * FAILING_DISK_AT      which one, counted from 1
 * FAILING_DISK_TIMES   how many fail from there on; 0 is all
 * FAILING_DISK_SAID    a file that is made when the first one fails
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef ssize_t (*writes_at)(int, const void *, size_t, off64_t);
typedef ssize_t (*writes)(int, const void *, size_t);
typedef int (*syncs)(int);
typedef int (*unlinks)(const char *);
typedef int (*renames)(const char *, const char *);
typedef int (*links)(int, const char *, int, const char *, int);

static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static long counted;

static int path_of(int file, char *path, size_t size) {
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", file);
  ssize_t length = readlink(name, path, size - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return 1;
}

static int lies_on_it(int file, char *path, size_t size) {
  const char *part = getenv("FAILING_DISK_FILES");
  if (part == NULL || !path_of(file, path, size)) return 0;
  return strstr(path, part) != NULL && strstr(path, ".platter") == NULL;
}

/* What was written and not yet synced. */
struct stain { char *path; off64_t at; size_t size; struct stain *next; };
static struct stain *stains;

static void stain(const char *path, off64_t at, ssize_t size) {
  if (size <= 0) return;
  struct stain *one = malloc(sizeof *one);
  if (one == NULL) abort();
  *one = (struct stain){ strdup(path), at, (size_t)size, stains };
  stains = one;
}

/* Brings what is unsynced of a file to its platter, or forgets it. */
static void settle(const char *path, int holds) {
  writes_at put = (writes_at)dlsym(RTLD_NEXT, "pwrite64");
  char name[4200];
  snprintf(name, sizeof name, "%s.platter", path);
  /* Opened anew, as the file at hand may be for writing only. */
  int file = holds ? open(path, O_RDONLY) : -1;
  int platter = file < 0 ? -1 : open(name, O_CREAT | O_RDWR, 0600);
  struct stain **place = &stains;
  /* Newest first in the list; what lies under it is the same file's content either way. */
  while (*place != NULL) {
    struct stain *one = *place;
    if (strcmp(one->path, path) != 0) { place = &one->next; continue; }
    char *piece = malloc(one->size);
    ssize_t there = platter < 0 ? 0 : pread64(file, piece, one->size, one->at);
    if (there > 0 && put(platter, piece, (size_t)there, one->at) != there) abort();
    free(piece);
    *place = one->next;
    free(one->path);
    free(one);
  }
  struct stat now;
  if (platter >= 0 && fstat(file, &now) == 0 && ftruncate(platter, now.st_size) != 0) abort();
  if (platter >= 0) close(platter);
  if (file >= 0) close(file);
}

static void say(void) {
  const char *path = getenv("FAILING_DISK_SAID");
  if (path == NULL) return;
  int file = open(path, O_CREAT | O_WRONLY, 0600);
  if (file >= 0) close(file);
}

/* Is this the call that fails? `how` is what a call of this kind can fail as. */
static int fails(const char *how) {
  const char *wanted = getenv("FAILING_DISK_HOW");
  if (wanted == NULL || strcmp(wanted, how) != 0) return 0;
  const char *from = getenv("FAILING_DISK_AT"), *times = getenv("FAILING_DISK_TIMES");
  long first = from ? atol(from) : 1, many = times ? atol(times) : 1, now = ++counted;
  if (now < first || (many > 0 && now >= first + many)) return 0;
  if (now == first) say();
  return 1;
}

static ssize_t write_at(const char *name, int file, const void *from, size_t size, off64_t at) {
  writes_at really = (writes_at)dlsym(RTLD_NEXT, name);
  char path[4096];
  if (!lies_on_it(file, path, sizeof path)) return really(file, from, size, at);
  pthread_mutex_lock(&counting);
  int error = 0;
  ssize_t done = -1;
  if (fails("eio")) error = EIO;
  else if (fails("enospc")) error = ENOSPC;
  else if (fails("erofs")) error = EROFS;
  else if (size > 1 && fails("short")) {
    /* Half of it is there, and then there is no room. */
    stain(path, at, really(file, from, size / 2, at));
    error = ENOSPC;
  } else {
    done = really(file, from, size, at);
    error = errno;
    stain(path, at, done);
  }
  pthread_mutex_unlock(&counting);
  errno = error;
  return done;
}

ssize_t pwrite64(int file, const void *from, size_t size, off64_t at) {
  return write_at("pwrite64", file, from, size, at);
}

ssize_t pwrite(int file, const void *from, size_t size, off_t at) {
  return write_at("pwrite", file, from, size, at);
}

ssize_t write(int file, const void *from, size_t size) {
  writes really = (writes)dlsym(RTLD_NEXT, "write");
  char path[4096];
  if (!lies_on_it(file, path, sizeof path)) return really(file, from, size);
  pthread_mutex_lock(&counting);
  off64_t at = lseek64(file, 0, SEEK_CUR);
  int error = fails("eio") ? EIO : fails("enospc") ? ENOSPC : fails("erofs") ? EROFS : 0;
  ssize_t done = -1;
  if (error == 0) {
    done = really(file, from, size);
    error = errno;
    stain(path, at, done);
  }
  pthread_mutex_unlock(&counting);
  errno = error;
  return done;
}

static int sync_it(const char *name, int file) {
  syncs really = (syncs)dlsym(RTLD_NEXT, name);
  char path[4096];
  if (!lies_on_it(file, path, sizeof path)) return really(file);
  pthread_mutex_lock(&counting);
  int broken = fails("sync");
  settle(path, !broken);
  pthread_mutex_unlock(&counting);
  if (broken) { errno = EIO; return -1; }
  return 0;
}

int fsync(int file) { return sync_it("fsync", file); }
int fdatasync(int file) { return sync_it("fdatasync", file); }

/* Names change at once, on the platter too: whether a directory was synced is not modelled. */
int rename(const char *from, const char *to) {
  renames really = (renames)dlsym(RTLD_NEXT, "rename");
  const char *part = getenv("FAILING_DISK_FILES");
  if (part != NULL && strstr(from, part) != NULL) {
    char old[4200], new[4200];
    snprintf(old, sizeof old, "%s.platter", from);
    snprintf(new, sizeof new, "%s.platter", to);
    really(old, new);
  }
  return really(from, to);
}

/* A second name is one on the platter too. */
int linkat(int near, const char *from, int far, const char *to, int flags) {
  links really = (links)dlsym(RTLD_NEXT, "linkat");
  const char *part = getenv("FAILING_DISK_FILES");
  if (part != NULL && strstr(from, part) != NULL) {
    char old[4200], new[4200];
    snprintf(old, sizeof old, "%s.platter", from);
    snprintf(new, sizeof new, "%s.platter", to);
    really(near, old, far, new, flags);
  }
  return really(near, from, far, to, flags);
}

/* A file that is gone is gone from the platter too. */
int unlink(const char *path) {
  unlinks really = (unlinks)dlsym(RTLD_NEXT, "unlink");
  const char *part = getenv("FAILING_DISK_FILES");
  if (part != NULL && strstr(path, part) != NULL) {
    char name[4200];
    snprintf(name, sizeof name, "%s.platter", path);
    really(name);
  }
  return really(path);
}
