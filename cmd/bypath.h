/*
 * bypath - the one deleted file that had a path; include kernel.h, desc.h and
 * deleted.h before
 */

/* Find it in our mount namespace; NULL after a message if there is none, or are
 * several. The path is argv[at]. */
const struct deleted *bypath_find(int root, const char *path, int at);
