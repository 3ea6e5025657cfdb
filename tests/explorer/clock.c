/* Before the C library: the time of day, and that of files, is what the steps in FILE make of the machine's.

   What waits goes by the monotonic clock, which stays as it is. No header is needed, and nothing that a signal's
   handler may not do. For Linux on x86-64. */

struct timespec { long seconds, nanoseconds; };
struct timeval { long seconds, microseconds; };
struct step { long since, ahead; }; /* Nanoseconds of the machine's clock; one that never comes is the last. */
struct status { long before[9]; struct timespec times[3]; long after[3]; };

long syscall(long number, ...);

enum { OPEN = 2, CLOSE = 3, STAT = 4, FSTAT = 5, LSTAT = 6, MAP = 9, CLOCK_GETTIME = 228, FSTATAT = 262 };
enum { READ = 1, SHARED = 1, PAGE = 4096, REALTIME = 0, REALTIME_COARSE = 5 };
static const long GIGA = 1000000000;
static const struct step NONE = {~(1L << 63), 0};
static const volatile struct step *steps = &NONE;

__attribute__((constructor)) static void begin(void)
{
    long file = syscall(OPEN, FILE, 0, 0);
    if (file < 0) return;
    long place = syscall(MAP, 0, PAGE, READ, SHARED, file, 0);
    if (place != -1) steps = (const struct step *)place;
    syscall(CLOSE, file);
}

static void tell(struct timespec *time)
{
    long real = time->seconds * GIGA + time->nanoseconds, ahead = 0;
    for (const volatile struct step *one = steps; one->since <= real; one++) ahead = one->ahead;
    time->seconds = (real + ahead) / GIGA;
    time->nanoseconds = (real + ahead) % GIGA;
}

int clock_gettime(int clock, struct timespec *now)
{
    int code = (int)syscall(CLOCK_GETTIME, clock, now);
    if (code == 0 && (clock == REALTIME || clock == REALTIME_COARSE)) tell(now);
    return code;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec found;
    clock_gettime(REALTIME, &found);
    now->seconds = found.seconds;
    now->microseconds = found.nanoseconds / 1000;
    (void)zone;
    return 0;
}

long time(long *now)
{
    struct timespec found;
    clock_gettime(REALTIME, &found);
    if (now) *now = found.seconds;
    return found.seconds;
}

static int told(long code, struct status *found)
{
    for (int place = 0; code == 0 && place < 3; place++) tell(&found->times[place]);
    return (int)code;
}

int stat(const char *path, struct status *found) { return told(syscall(STAT, path, found), found); }
int lstat(const char *path, struct status *found) { return told(syscall(LSTAT, path, found), found); }
int fstat(int file, struct status *found) { return told(syscall(FSTAT, file, found), found); }
int fstatat(int folder, const char *path, struct status *found, int flags)
{
    return told(syscall(FSTATAT, folder, path, found, flags), found);
}

#define SAME(name) __attribute__((alias(#name)))
int stat64(const char *path, struct status *found) SAME(stat);
int lstat64(const char *path, struct status *found) SAME(lstat);
int fstat64(int file, struct status *found) SAME(fstat);
int fstatat64(int folder, const char *path, struct status *found, int flags) SAME(fstatat);
