#include <string.h>

#include "buf.h"
#include "call.h"
#include "out.h"
#include "cli.h"
#include "parse_task.h"
#include "thread.h"
#include "sample.h"
#include "show.h"

static const struct out_column columns[] = {
	{ "PID", 0 }, { "TID", 0 }, { "COMMAND", 0 }, { "STATE", 0 },
	{ "WHAT", 0 }, { 0 }
};

static struct buf value, rec;
static struct out out = {
	.rec = &rec, .columns = columns, .mode = OUT_JSON
};

void
show_text(const struct thread *t, const struct run *run, int blank)
{
	const char *s = thread_frames(t);
	struct task_frame f;
	int n = 0;

	cli_put(&rec, "%s%d/%d %c ", blank ? "\n" : "", t->pid, t->tid,
	        t->st.state);
	thread_put_command(t, &rec);
	cli_put(&rec, " %s", t->calls ? t->call.text.s : t->word);
	if (run)
		sample_put(&rec, run);
	for (; parse_frame(&s, &f) == 1; n++) {
		cli_put(&rec, "\n\t");
		cli_quote(&rec, f.s, f.n, 0);
	}
	cli_put(&rec, n ? "\n" : "\n\t?\n");
	cli_write(&rec);
}

static void
json_call(const struct thread *t)
{
	const struct call *c = &t->call;
	int i;

	value.n = 0;
	if (t->calls && c->name)
		cli_put(&value, "{\"nr\":%ld,\"name\":\"%s\"}", t->sys.nr,
		        c->name);
	else if (t->calls)
		cli_put(&value, "{\"nr\":%ld,\"name\":null}", t->sys.nr);
	else
		cli_put(&value, "null");
	out_key_json(&out, "syscall", value.s, value.n);
	value.n = 0;
	for (i = 0; t->calls && i < 6; i++)
		cli_put(&value, "%c%llu", i ? ',' : '[', t->sys.args[i]);
	cli_put(&value, t->calls ? "]" : "null");
	out_key_json(&out, "args", value.s, value.n);
	if (t->calls && c->fd >= 0)
		out_key_num(&out, "fd", (unsigned)c->fd);
	else
		out_key_null(&out, "fd");
	if (t->calls && c->fd >= 0 && c->target.n)
		out_key_str(&out, "target", c->target.s, c->target.n);
	else
		out_key_null(&out, "target");
}

void
show_json(const struct thread *t, const struct run *run)
{
	const char *s = t->stacked ? t->stack.s : "";
	struct task_frame f;

	out_num(&out, (unsigned)t->pid);
	out_num(&out, (unsigned)t->tid);
	out_str(&out, t->comm.s, t->comm.n);
	out_str(&out, &t->st.state, 1);
	if (t->calls)
		out_str(&out, t->call.text.s, t->call.text.n);
	else
		out_str(&out, t->word, strlen(t->word));
	json_call(t);
	out_key_str(&out, "wchan", t->wchan.n ? t->wchan.s : NULL, t->wchan.n);
	value.n = 0;
	while (parse_frame(&s, &f) == 1) {
		cli_put(&value, value.n ? "," : "[");
		if (out_json(&value, f.s, f.n) < 0)
			cli_die();
	}
	if (t->stacked || t->st.state == 'Z')
		cli_put(&value, value.n ? "]" : "[]");
	else
		cli_put(&value, "null");
	out_key_json(&out, "stack", value.s, value.n);
	if (run) {
		out_key_num(&out, "ran", run->times);
		value.n = 0;
		cli_put(&value, "%.15g", (double)run->ns / 1e6);
		out_key_json(&out, "cpu", value.s, value.n);
	}
	cli_emit(&out);
}
