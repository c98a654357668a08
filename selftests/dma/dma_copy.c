// SPDX-License-Identifier: GPL-2.0
/*
 * A program that has dma_demo's device copy its memory, and checks what came of it.
 *
 *   dma_copy FILE			standard input to standard output, 64 KiB at most
 *   dma_copy FILE copy BYTES FROM TO	the buffers begin at these offsets in a page
 *   dma_copy FILE try BYTES		prints the result: a number of bytes, or an error
 *   dma_copy FILE CASE			one of the cases below
 *
 * FILE is /dev/dma_demo.DEVICE, or "-" for file descriptor 3.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct request {
	uint64_t from, to, bytes;
};

#define COPY		_IOW(0xed, 1, struct request)
#define COPY_MAX	65536
#define PAGE		4096UL
/* The device's buffer, and how far it reaches. */
#define PIECE		4096
#define REACH		(1UL << 28)
/* A buffer with a page in front, and room for any offset behind. */
#define ROOM		(COPY_MAX + 4 * PAGE)
/* What is in a target before the device writes there. */
#define BEFORE		0xa5

static int file;
/* How the driver knows the device. */
static const char *device;

/* What the system call returns: a number of bytes, or an error as a negative number. */
static long copy(const void *from, void *to, uint64_t bytes)
{
	struct request request = { (uintptr_t)from, (uintptr_t)to, bytes };
	long result = ioctl(file, COPY, &request);

	return result < 0 ? -errno : result;
}

static bool is(const char *what, long result, long expected)
{
	if (result == expected)
		return true;
	printf("# %s: %ld, expected %ld\n", what, result, expected);
	return false;
}

static void *room(void)
{
	void *at = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		perror("# mmap");
		exit(1);
	}
	return at;
}

static unsigned char byte_of(size_t at, unsigned int seed)
{
	return (at * 2654435761U >> 13) ^ at ^ seed;
}

static void *filled(unsigned int seed)
{
	unsigned char *at = room();
	size_t i;

	for (i = 0; i < ROOM; i++)
		at[i] = byte_of(i, seed);
	return at;
}

static void *untouched(void)
{
	return memset(room(), BEFORE, ROOM);
}

/* Whether the target has so many bytes of the source, from there on, and nothing else. */
static bool came(const unsigned char *target, size_t to, size_t from, size_t bytes,
		 unsigned int seed)
{
	size_t i;

	for (i = 0; i < ROOM; i++) {
		unsigned char expected = i < to || i >= to + bytes ?
			BEFORE : byte_of(from + i - to, seed);

		if (target[i] == expected)
			continue;
		printf("# byte %zu is %#x, expected %#x: %zu bytes from %zu to %zu\n", i,
		       target[i], expected, bytes, from, to);
		return false;
	}
	return true;
}

/* Whether a source still has what it had. */
static bool kept(const unsigned char *source, unsigned int seed)
{
	size_t i;

	for (i = 0; i < ROOM; i++)
		if (source[i] != byte_of(i, seed)) {
			printf("# byte %zu of the source is %#x\n", i, source[i]);
			return false;
		}
	return true;
}

static bool copies(size_t bytes, size_t from, size_t to)
{
	unsigned char *source = filled(bytes), *target = untouched();
	bool good;

	from += PAGE;
	to += PAGE;
	good = is("copied", copy(source + from, target + to, bytes), bytes) &&
	       came(target, to, from, bytes, bytes) && kept(source, bytes);
	munmap(source, ROOM);
	munmap(target, ROOM);
	return good;
}

/* The physical address of a page, which root may know. */
static uint64_t physical(const void *at)
{
	int map = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	if (pread(map, &entry, sizeof(entry), (uintptr_t)at / PAGE * sizeof(entry)) < 0)
		entry = 0;
	close(map);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

/* A buffer where the device does not reach, without an IOMMU. */
static unsigned char *room_above(int byte)
{
	unsigned char *at;
	int i;

	/* Pages in its reach are taken until there are others. */
	for (i = 0; i < 6000; i++) {
		at = memset(room(), byte, ROOM);
		if (physical(at + PAGE) >= REACH && physical(at + 2 * PAGE) >= REACH)
			return at;
	}
	printf("# no memory above %#lx\n", REACH);
	exit(1);
}

static bool high(void)
{
	unsigned char *source = room_above(0), *target = room_above(BEFORE);
	size_t i;

	for (i = 0; i < ROOM; i++)
		source[i] = byte_of(i, 1);
	return is("copied", copy(source + PAGE + 100, target + PAGE + 7, 8000), 8000) &&
	       came(target, PAGE + 7, PAGE + 100, 8000, 1);
}

/* What is not a buffer, or not a request. */
static bool refuses(void)
{
	unsigned char *source = filled(2), *target = untouched();
	/* Two pages, of which the process has the first. */
	unsigned char *half = room();
	unsigned char *read_only = filled(3);
	unsigned char *none = room();
	struct request request = { (uintptr_t)source, (uintptr_t)target, 1 };
	void *kernel = (void *)0xffff888000001000;

	munmap(half + PAGE, ROOM - PAGE);
	mprotect(read_only, ROOM, PROT_READ);
	mprotect(none, ROOM, PROT_NONE);
	return is("another request", ioctl(file, _IOW(0xed, 2, struct request), &request), -1) &&
	       is("its error", errno, ENOTTY) &&
	       is("another size", ioctl(file, _IOW(0xed, 1, uint64_t), &request), -1) &&
	       is("its error", errno, ENOTTY) &&
	       is("no request", ioctl(file, COPY, NULL), -1) && is("its error", errno, EFAULT) &&
	       is("half a request", ioctl(file, COPY, half + PAGE - 16), -1) &&
	       is("its error", errno, EFAULT) &&
	       is("nothing", copy(source, target, 0), -EINVAL) &&
	       is("one byte more", copy(source, target, COPY_MAX + 1), -EMSGSIZE) &&
	       is("4 GiB and a byte", copy(source, target, (1ULL << 32) + 1), -EMSGSIZE) &&
	       is("all bytes", copy(source, target, UINT64_MAX), -EMSGSIZE) &&
	       is("from nowhere", copy(NULL, target, 100), -EFAULT) &&
	       is("to nowhere", copy(source, NULL, 100), -EFAULT) &&
	       is("from what it may not read", copy(none, target, 100), -EFAULT) &&
	       is("to what it may not write", copy(source, none, 100), -EFAULT) &&
	       is("to what it may only read", copy(source, read_only, 100), -EFAULT) &&
	       is("from a page that ends", copy(half + 1, target, PAGE), -EFAULT) &&
	       is("to a page that ends", copy(source, half + 1, PAGE), -EFAULT) &&
	       is("from the kernel", copy(kernel, target, 100), -EFAULT) &&
	       is("to the kernel", copy(source, kernel, 100), -EFAULT) &&
	       is("from the end", copy((void *)-100L, target, 200), -EFAULT) &&
	       is("to the end", copy(source, (void *)-100L, 200), -EFAULT) &&
	       came(target, 0, 0, 0, 0) && kept(source, 2) && kept(read_only, 3) &&
	       is("from what it may only read",
		  copy(read_only + PAGE, target + PAGE, 5000), 5000) &&
	       came(target, PAGE, PAGE, 5000, 3);
}

/* Pages that are not there yet, a page of a file, and one that is both source and target. */
static bool any_pages(void)
{
	unsigned char *source = filled(4), *new = room(), *other = room();
	int self = open("/proc/self/exe", O_RDONLY);
	unsigned char *exe = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, self, 0);

	close(self);
	return is("to new pages", copy(source + 9, new + 5, 20000), 20000) &&
	       is("new pages", memcmp(source + 9, new + 5, 20000), 0) &&
	       is("from new pages", copy(other, new, 20000), 20000) &&
	       is("from a file", copy(exe, new + 17, PAGE), PAGE) &&
	       is("a file", memcmp(exe, new + 17, PAGE), 0) &&
	       is("to itself", copy(source + 9, source + 9, 20000), 20000) && kept(source, 4);
}

/* A page that a child shares until one of them writes: the device writes for the parent. */
static bool shared_until_written(void)
{
	unsigned char *source = filled(5), *target = untouched();
	int status, go[2];
	pid_t child;
	char word;

	if (pipe(go))
		return false;
	fflush(stdout);
	child = fork();
	if (!child) {
		close(go[1]);
		if (read(go[0], &word, 1) != 1)
			_exit(2);
		_exit(!came(target, 0, 0, 0, 0));
	}
	if (!is("copied", copy(source + PAGE, target + PAGE, 5000), 5000) ||
	    !came(target, PAGE, PAGE, 5000, 5) || write(go[1], "", 1) != 1)
		return false;
	waitpid(child, &status, 0);
	return is("the child", status, 0);
}

static void nothing(int signal)
{
	(void)signal;
}

/* A signal in so many milliseconds, which ends a system call. */
static void signal_in(long ms)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerspec time = { .it_value = { ms / 1000, ms % 1000 * 1000000 } };
	timer_t timer;

	sigaction(SIGALRM, &action, NULL);
	if (timer_create(CLOCK_MONOTONIC, NULL, &timer) ||
	    timer_settime(timer, 0, &time, NULL)) {
		perror("# timer");
		exit(1);
	}
}

/* Each piece takes the device 0.2 s. What it has not written yet is as it was. */
static bool interrupted(void)
{
	unsigned char *source = filled(6), *target = untouched();
	long copied;

	signal_in(1000);
	copied = copy(source + 1, target + 2, COPY_MAX);
	printf("# %ld of %d bytes before the signal\n", copied, COPY_MAX);
	return copied > 0 && copied < COPY_MAX && came(target, 2, 1, copied, 6);
}

/* Two processes at once. Each gets its own bytes. */
static bool two(void)
{
	unsigned char *source, *target;
	pid_t child = fork();
	bool good;
	int status;

	source = filled(child ? 7 : 8);
	target = untouched();
	good = is("copied", copy(source + PAGE + 50, target + PAGE, 20000), 20000) &&
	       came(target, PAGE, PAGE + 50, 20000, child ? 7 : 8);
	if (!child) {
		fflush(stdout);
		_exit(!good);
	}
	waitpid(child, &status, 0);
	return is("the other one", status, 0) && good;
}

/* A process with a copy of 3 s under way. */
static pid_t busy(void)
{
	unsigned char *source = filled(9), *target = untouched();
	struct timespec later = { 0, 500000000 };
	pid_t child = fork();

	if (!child)
		_exit(copy(source, target, COPY_MAX) != COPY_MAX);
	munmap(source, ROOM);
	munmap(target, ROOM);
	nanosleep(&later, NULL);
	return child;
}

/* A signal while another process has the device: nothing was copied. */
static bool waits(void)
{
	unsigned char *source = filled(10), *target = untouched();
	pid_t child = busy();
	struct timespec before, after;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &before);
	signal_in(500);
	if (!is("with a signal", copy(source, target, 100), -EINTR))
		return false;
	clock_gettime(CLOCK_MONOTONIC, &after);
	/* The other one has the device for 2.7 s yet. */
	if (after.tv_sec - before.tv_sec > 1) {
		printf("# the signal did not end it at once\n");
		return false;
	}
	if (!came(target, 0, 0, 0, 0))
		return false;
	waitpid(child, &status, 0);
	return is("the one before", status, 0) &&
	       is("after it", copy(source, target, 100), 100);
}

/* A process that ends in the middle. The next one gets the device. */
static bool killed(void)
{
	pid_t child = busy();
	int status;

	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return is("the child", status, SIGKILL) && copies(5000, 0, 0);
}

/* The device is not bound any more. */
static bool gone(void)
{
	unsigned char *source = filled(11), *target = untouched();

	return is("copied", copy(source, target, 100), -ENODEV) && came(target, 0, 0, 0, 0);
}

/* The device is unbound meanwhile. */
static bool goes(void)
{
	unsigned char *source = filled(12), *target = untouched();
	long copied = copy(source + 1, target + 2, COPY_MAX);

	printf("# %ld of %d bytes before it went\n", copied, COPY_MAX);
	return copied > 0 && copied < COPY_MAX && came(target, 2, 1, copied, 12) &&
	       is("after it", copy(source, target, 100), -ENODEV);
}

/* Longer than a transfer takes the device. */
static void let_it_end(void)
{
	struct timespec later = { 1, 0 };

	nanosleep(&later, NULL);
}

/*
 * The driver does not wait for the transfer to the target, which the device has begun. It gives
 * the buffer back, so the device must not write there any more.
 */
static bool stuck(void)
{
	unsigned char *source = filled(13), *target = untouched();
	struct timespec before, after;

	if (!is("stuck", copy(source, target, 100), -ETIMEDOUT))
		return false;
	let_it_end();
	if (!came(target, 0, 0, 0, 0))
		return false;
	/* It stays stopped: the driver does not try. */
	clock_gettime(CLOCK_MONOTONIC, &before);
	if (!is("after it", copy(source, target, 100), -ETIMEDOUT))
		return false;
	clock_gettime(CLOCK_MONOTONIC, &after);
	if (after.tv_sec - before.tv_sec > 2) {
		printf("# it was not refused at once\n");
		return false;
	}
	return came(target, 0, 0, 0, 0);
}

static bool tells_driver(const char *what)
{
	char path[64];
	ssize_t written = -1;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/dma_demo/%s", what);
	fd = open(path, O_WRONLY);
	if (fd >= 0)
		written = write(fd, device, strlen(device));
	close(fd);
	return is(what, written, strlen(device));
}

/* The device is bound anew at once, and gets the bus back: not for the old transfer. */
static bool stuck_and_bound(void)
{
	unsigned char *source = filled(14), *target = untouched();

	if (!is("stuck", copy(source, target, 100), -ETIMEDOUT) ||
	    !tells_driver("unbind") || !tells_driver("bind"))
		return false;
	let_it_end();
	return came(target, 0, 0, 0, 0);
}

static bool by_the_pipe(void)
{
	static char from[COPY_MAX], to[COPY_MAX];
	size_t bytes = fread(from, 1, sizeof(from), stdin);

	return is("copied", copy(from, to, bytes), bytes) &&
	       fwrite(to, 1, bytes, stdout) == bytes;
}

static const struct {
	const char *name;
	bool (*run)(void);
} cases[] = {
	{ "high", high },
	{ "refuses", refuses },
	{ "any_pages", any_pages },
	{ "shared", shared_until_written },
	{ "interrupted", interrupted },
	{ "two", two },
	{ "waits", waits },
	{ "killed", killed },
	{ "gone", gone },
	{ "goes", goes },
	{ "stuck", stuck },
	{ "stuck_and_bound", stuck_and_bound },
};

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2)
		return 2;
	file = strcmp(argv[1], "-") ? open(argv[1], O_RDWR) : 3;
	device = strchr(argv[1], '.') ? strchr(argv[1], '.') + 1 : "";
	if (file < 0) {
		perror(argv[1]);
		return 1;
	}
	if (argc == 2)
		return !by_the_pipe();
	if (argc == 6 && !strcmp(argv[2], "copy"))
		return !copies(atol(argv[3]), atol(argv[4]), atol(argv[5]));
	if (argc == 4 && !strcmp(argv[2], "try"))
		return printf("%ld\n", copy(filled(0), untouched(), atol(argv[3]))) < 0;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (!strcmp(argv[2], cases[i].name))
			return !cases[i].run();
	fprintf(stderr, "no such case: %s\n", argv[2]);
	return 2;
}
