/* detail - what JSON has of a descriptor beyond the columns */
struct desc;
struct name;
struct out;

/* Put the fields of an object under the word of its type, what a device stands
 * for, a memfd's seals (-1: unknown) and the locks; nothing in other modes than
 * OUT_JSON. */
void detail_put(struct out *, int root, const struct desc *,
                const struct name *, int seals);
