/* See passwords.h. */
#include "broker/smtp/passwords.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/text.h"
#include "proto/limits.h"

struct password {
	uv_work_t work;
	struct list node; /* in waiting or working */
	struct passwords *owner;
	passwords_done done; /* NULL: forgotten */
	void *arg;
	bool working, right;
	char user[LIMIT_MAIL_USER + 1];
	char password[LIMIT_MAIL_PASSWORD + 1];
};

void passwords_init(struct passwords *p, uv_loop_t *loop, const struct smtp_users *users)
{
	*p = (struct passwords){ .loop = loop, .users = users };
	list_init(&p->waiting);
	list_init(&p->working);
}

static void end(struct password *c)
{
	list_remove(&c->node);
	explicit_bzero(c->password, sizeof c->password);
	free(c);
}

static void on_thread(uv_work_t *w)
{
	struct password *c = w->data;

	c->right = users_check(c->owner->users, c->user, c->password);
}

static void go_on(struct passwords *p);

static void on_done(uv_work_t *w, int status)
{
	struct password *c = w->data;
	struct passwords *p = c->owner;
	passwords_done done = c->done;
	void *arg = c->arg;
	bool right = status == 0 && c->right;

	p->n_working--;
	end(c);
	if (done != NULL)
		done(arg, right);
	go_on(p);
	if (p->idle != NULL && passwords_idle(p))
		p->idle(p->arg);
}

static void go_on(struct passwords *p)
{
	while (p->n_working < PASSWORDS_AT_ONCE && !list_empty(&p->waiting)) {
		struct password *c = list_item(p->waiting.next, struct password, node);

		list_remove(&c->node);
		list_push_back(&p->working, &c->node);
		c->working = true;
		p->n_working++;
		must(uv_queue_work(p->loop, &c->work, on_thread, on_done) == 0);
	}
}

struct password *passwords_check(struct passwords *p, const char *user, const char *password, passwords_done done,
                                 void *arg)
{
	struct password *c = calloc(1, sizeof *c);

	must(c != NULL && p->idle == NULL);
	c->owner = p;
	c->done = done;
	c->arg = arg;
	c->work.data = c;
	text_format(c->user, sizeof c->user, "%s", user);
	text_format(c->password, sizeof c->password, "%s", password);
	list_push_back(&p->waiting, &c->node);
	go_on(p);
	return c;
}

void passwords_forget(struct password *c)
{
	if (c->working)
		c->done = NULL; /* the thread still looks */
	else
		end(c);
}

bool passwords_idle(const struct passwords *p)
{
	return p->n_working == 0 && list_empty(&p->waiting);
}

void passwords_stop(struct passwords *p, void (*idle)(void *arg), void *arg)
{
	while (!list_empty(&p->waiting))
		end(list_item(p->waiting.next, struct password, node));
	for (struct list *l = p->working.next; l != &p->working; l = l->next)
		list_item(l, struct password, node)->done = NULL;
	if (passwords_idle(p)) {
		idle(arg);
		return;
	}
	p->idle = idle;
	p->arg = arg;
}
