/* detail - what JSON and -l have of a descriptor beyond the columns */
struct buf;
struct desc;
struct name;
struct out;

/* Put the fields of an object under the word of its type, what a device stands
 * for, a memfd's seals (-1: unknown) and the locks; nothing in other modes than
 * OUT_JSON. */
void detail_put(struct out *, int root, const struct desc *,
                const struct name *, int seals);

/* Append what stands behind NAME for -l, with a blank before each: what an
 * epoll, an inotify or a fanotify waits for, descriptors in flight to a unix
 * socket. 0, or -1 without memory. */
int detail_text(int root, const struct desc *, struct buf *);
