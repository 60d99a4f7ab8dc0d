/* sysname - the names of system calls, from the compiler's own headers */

/* The name of a call, of the 32-bit table of a 64-bit kernel with compat; NULL
 * for an unknown one. */
const char *sysname(long nr, int compat);
