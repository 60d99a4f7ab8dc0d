/* dot - rows as a graph in the language of Graphviz */

struct buf;

/* Append the graph of all rows to the buffer; 0, or -1 with ENOMEM. */
int dot_graph(struct buf *);
