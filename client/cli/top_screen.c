/* The live view of `sheaf top`, drawn by ncurses. See top.h. */
#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "client/cli/top.h"

enum {
	ABOVE = 4,      /* lines above the lists: title, summary, an empty one */
	LEAST = 3,      /* rows of a list, if it has so many, however small the screen */
	LOOK_MS = 1000, /* how long the broker may take before the screen says so */
};

struct view {
	struct top *top;
	struct top_list *at; /* the list that keys are for */
	uint64_t seen_ms;    /* when the broker answered last */
	enum sheaf_error error;
	bool help;
	char said[160]; /* what became of the last key */
	int status;     /* >= 0: it ends with this */
};

/* ---- drawing ---- */

/* A line of the screen, cut where that ends. */
static void put_line(int y, const char *text, int how)
{
	if (move(y, 0) == ERR) /* the screen is too small */
		return;
	attrset(how);
	clrtoeol();
	addnstr(text, COLS);
	if ((unsigned int)how & A_REVERSE)
		for (int x = (int)strlen(text); x < COLS; x++)
			addch(' ');
	attrset(A_NORMAL);
}

/* The width of each column: as wide as its widest cell on the screen, and steady for small numbers. */
static void measure(const struct top_list *l, size_t lines, int *widths)
{
	char cell[TOP_CELL];

	for (size_t k = 0; k < l->n_columns; k++) {
		const char *head = l->columns[k].head;

		widths[k] = (int)strlen(head) - (head[0] == '>');
		if (head[0] == '>' && widths[k] < 7)
			widths[k] = 7;
		for (size_t i = l->first; i < l->n && i < l->first + lines; i++) {
			int n = (int)strlen(top_list_cell(l, top_list_row(l, i), k, cell));

			widths[k] = n > widths[k] ? n : widths[k];
		}
	}
}

/* Appends a cell to a line. */
static void add_cell(char line[512], const char *text, int width, bool right)
{
	size_t n = strlen(line);

	snprintf(line + n, 512 - n, right ? "%*s  " : "%-*s  ", width, text);
}

static void draw_heads(const struct view *v, const struct top_list *l, int y, const int *widths)
{
	char line[512] = "", head[40];

	for (size_t k = 0; k < l->n_columns; k++) {
		const char *text = l->columns[k].head;
		bool right = text[0] == '>';

		/* the column by which it is sorted is marked */
		snprintf(head, sizeof head, k == l->sort && text[right] ? "%s%s" : "%s", text + right,
		         l->reversed ? "^" : "*");
		add_cell(line, head, widths[k] + (k == l->sort && !right), right);
	}
	put_line(y, line, v->at == l ? A_REVERSE | A_BOLD : A_REVERSE);
}

/* The list from line y on; returns the line behind it. */
static int draw_list(const struct view *v, struct top_list *l, int y, int lines)
{
	int widths[TOP_KEY] = { 0 };
	char line[512], cell[TOP_CELL];

	top_list_scroll(l, (size_t)lines);
	measure(l, (size_t)lines, widths);
	widths[l->sort] += l->columns[l->sort].head[0] == '>' && l->columns[l->sort].head[0] ? 1 : 0;
	draw_heads(v, l, y++, widths);
	for (size_t i = l->first; i < l->n && i < l->first + (size_t)lines; i++) {
		const void *row = top_list_row(l, i);

		line[0] = 0;
		for (size_t k = 0; k < l->n_columns; k++) {
			bool right = l->columns[k].head[0] == '>';

			add_cell(line, top_list_cell(l, row, k, cell), widths[k] + (k == l->sort && !right), right);
		}
		put_line(y++, line, v->at == l && i == l->at ? A_STANDOUT : A_NORMAL);
	}
	return y;
}

static void draw_help(void)
{
	static const char *const keys[] = { "Up Down PageUp PageDown Home End   select",
		                            "Tab                                queues or workers",
		                            "Left Right                         sort by another column",
		                            "r                                  reverse the order",
		                            "p                                  pause or resume the queue",
		                            "d                                  drain or resume the worker",
		                            "q                                  quit" };

	for (int i = 0; i < (int)(sizeof keys / sizeof keys[0]); i++)
		put_line(ABOVE + i, keys[i], A_NORMAL);
}

/* How many rows the queues get of so many lines; the workers get the rest. */
static int share(int lines, size_t queues, size_t workers)
{
	int q = (int)(queues < 10000 ? queues : 10000), w = (int)(workers < 10000 ? workers : 10000);

	if (q + w <= lines)
		return q;
	if (w < lines / 2)
		return lines - w;
	return q < lines - lines / 2 ? q : lines - lines / 2;
}

static void draw(struct view *v)
{
	struct top *t = v->top;
	char first[160], second[160], title[256], silent[24];
	int lines = LINES - ABOVE - 4, queues, y;

	erase();
	top_summary(t, first, second);
	snprintf(title, sizeof title, "%s at %s", t->software, cli_broker(t->c));
	if (v->error)
		snprintf(title, sizeof title, "the broker at %s has not answered for %s", cli_broker(t->c),
		         units_show_duration((clock_mono_ms() - v->seen_ms) / 1000 * 1000, silent));
	put_line(0, title, v->error ? A_STANDOUT | A_BOLD : A_BOLD);
	put_line(1, first, A_NORMAL);
	put_line(2, second, A_NORMAL);
	if (v->help) {
		draw_help();
	} else {
		lines = lines < 2 * LEAST ? 2 * LEAST : lines;
		queues = share(lines, t->queues.n, t->workers.n);
		y = draw_list(v, &t->queues, ABOVE, queues);
		draw_list(v, &t->workers, y + 1, lines - queues);
	}
	put_line(LINES - 1, v->said[0] ? v->said : "h keys  Tab queues or workers  p pause  d drain  q quit", A_DIM);
	refresh();
}

/* ---- keys ---- */

static void failed(struct view *v, const char *what, const char *name, enum sheaf_error e)
{
	const char *why = sheaf_why(v->top->c->s);

	text_format(v->said, sizeof v->said, "%s was not %s: %s", name, what, *why ? why : sheaf_error_text(e));
}

static void pause_queue(struct view *v)
{
	const struct top_list *l = &v->top->queues;
	const struct top_queue *q = l->n ? top_list_row(l, l->at) : NULL;
	enum sheaf_error e;

	if (!q || v->at != l) {
		text_format(v->said, sizeof v->said, "p is for a queue: Tab goes to the queues");
		return;
	}
	e = sheaf_queue(v->top->c->s, q->key, q->paused ? QUEUE_RESUME : QUEUE_PAUSE, LOOK_MS, NULL, NULL, NULL);
	if (e)
		failed(v, q->paused ? "resumed" : "paused", q->key, e);
	else
		text_format(v->said, sizeof v->said, "%s %s", q->key, q->paused ? "resumed" : "paused");
}

static void drain_worker(struct view *v)
{
	const struct top_list *l = &v->top->workers;
	const struct top_worker *w = l->n ? top_list_row(l, l->at) : NULL;
	enum sheaf_error e;

	if (!w || v->at != l) {
		text_format(v->said, sizeof v->said, "d is for a worker: Tab goes to the workers");
		return;
	}
	e = sheaf_worker(v->top->c->s, w->name, w->draining ? WORKER_RESUME : WORKER_DRAIN, LOOK_MS, NULL);
	if (e)
		failed(v, w->draining ? "resumed" : "drained", w->name, e);
	else
		text_format(v->said, sizeof v->said, "%s %s", w->name, w->draining ? "resumed" : "drained");
}

/* True if there is something new to ask the broker. */
static bool act(struct view *v, int key)
{
	v->said[0] = 0;
	switch (key) {
	case 'p':
		pause_queue(v);
		return true;
	case 'd':
		drain_worker(v);
		return true;
	case ' ':
		return true;
	case 'q':
	case 'Q':
		v->status = EXIT_DONE;
		return false;
	case 'h':
	case '?':
		v->help = !v->help;
		return false;
	default:
		v->help = false;
	}
	switch (key) {
	case '\t':
		v->at = v->at == &v->top->queues ? &v->top->workers : &v->top->queues;
		break;
	case KEY_UP:
		top_list_move(v->at, -1);
		break;
	case KEY_DOWN:
		top_list_move(v->at, 1);
		break;
	case KEY_PPAGE:
		top_list_move(v->at, -10);
		break;
	case KEY_NPAGE:
		top_list_move(v->at, 10);
		break;
	case KEY_HOME:
		top_list_move(v->at, -(long)v->at->n);
		break;
	case KEY_END:
		top_list_move(v->at, (long)v->at->n);
		break;
	case KEY_LEFT:
	case KEY_RIGHT:
		top_list_sort(v->at, key == KEY_RIGHT ? 1 : -1);
		break;
	case 'r':
		top_list_reverse(v->at);
		break;
	default:
		break;
	}
	return false;
}

/* ---- the loop ---- */

static void look(struct view *v)
{
	v->error = top_look(v->top, LOOK_MS);
	if (!v->error)
		v->seen_ms = clock_mono_ms();
	else if (v->error != SHEAF_E_TIMEOUT && v->error != SHEAF_E_UNREACHABLE && v->error != SHEAF_E_BUSY &&
	         v->error != SHEAF_E_DRAINING && v->error != SHEAF_E_INTERRUPTED)
		v->status = -2; /* it will not be better in a second */
}

static void run(struct view *v)
{
	uint64_t next = 0;

	while (v->status == -1) {
		uint64_t now = clock_mono_ms();
		int key;

		if (now >= next) {
			look(v);
			now = clock_mono_ms();
			next = now + v->top->c->flags.interval_ms;
		}
		draw(v);
		timeout((int)(next > now ? next - now : 0));
		key = getch(); /* a new size of the terminal is a key, too */
		if (cli_signals())
			v->status = EXIT_INTERRUPTED;
		else if (cli_left(v->top->c) == 0)
			v->status = EXIT_TIMEOUT;
		else if (key != ERR && act(v, key))
			next = 0;
	}
}

int top_screen(struct top *t)
{
	struct view v = { .top = t, .at = &t->queues, .seen_ms = clock_mono_ms(), .status = -1 };
	const char *type = getenv("TERM"); /* NOLINT(concurrency-mt-unsafe): there is one thread */
	SCREEN *screen = newterm(NULL, stdout, stdin);

	if (!screen)
		return cli_fail(EXIT_USAGE, "the terminal's type '%s' is unknown: set TERM, or use -n 1",
		                type ? type : "");
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, true);
	set_escdelay(50);
	curs_set(0);
	run(&v);
	endwin();
	delscreen(screen);
	return v.status == -2 ? cli_error(t->c, v.error) : v.status;
}
