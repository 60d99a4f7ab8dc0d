/*
 * memory - shared memory, which a link calls a deleted file; include kernel.h
 * and desc.h before
 */

/*
 * The type by the text of a link with the mark of a deleted file: DESC_MEMFD,
 * DESC_ANON (System V segments, shared anonymous mappings), or DESC_UNKNOWN of
 * what is a file. With the attributes it is certain; the text alone takes files
 * of the root directory that were called so for it.
 */
enum desc_type memory_type(const char *text, const struct kstatx *);
