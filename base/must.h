/* must(): the one assert macro. It stays on in release builds, so its argument is free of side effects
 * and cheap. It guards against our own mistakes only; bytes from a wire or a disk never reach it. */
#ifndef SHEAF_BASE_MUST_H
#define SHEAF_BASE_MUST_H

/* Prints where and what to stderr, then aborts. */
_Noreturn void must_fail(const char *file, int line, const char *what);

#define must(cond) ((cond) ? (void)0 : must_fail(__FILE__, __LINE__, #cond))

/* Marks a result that a caller may not ignore. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* Tells the compiler which way a hot branch usually goes. */
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#endif
