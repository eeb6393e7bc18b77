/* Between the parts that read the configuration of mail: config.c and config_policy.c. */
#ifndef SHEAF_SMTP_CONFIG_READ_H
#define SHEAF_SMTP_CONFIG_READ_H

#include "broker/smtp/smtp_config.h"

enum { CONFIG_NAME = 64 };

/* Where a value stands: an option, or an entry of a queue's section. */
struct config_at {
	const struct options *o;
	const char *prefix;
	struct mistakes *m;
	const char *key;                  /* "networks" */
	const struct option_entry *entry; /* NULL: the option */
	int line;                         /* of the file; 0 = it does not stand there */
};

/* The option's name: "smtp-" and the key; of `listen`, "smtp". */
const char *config_name(const char *prefix, const char *key, char to[CONFIG_NAME]);
/* The place of an option, and whether it is given. */
struct config_at config_option(const struct options *o, const char *prefix, struct mistakes *m, const char *key);
bool config_given(const struct config_at *at, const char **value);
/* "'VALUE' WHAT" is a mistake; value NULL: "WHAT" is one. */
void config_bad(const struct config_at *at, const char *value, const char *what);
/* Calls take for each of the words of all values of an option, or of one entry, that stand between commas or blanks. */
typedef void (*config_word)(void *arg, const struct config_at *at, const char *word);
void config_words(const struct config_at *at, config_word take, void *arg);

/* An owned list of owned texts. */
struct config_texts {
	char **v;
	uint32_t n;
};
void config_texts_add(struct config_texts *t, const char *text, bool lower);
void config_texts_free(char **v, uint32_t n);

/* Appends a network; what is none is a mistake. */
void config_network(struct cidr **v, uint32_t *n, const struct config_at *at, const char *word);

/* [smtp] for queues without a section, and all sections. users and TLS have been read. */
void config_policies(struct smtp_config *c, const struct options *o, const char *prefix, struct mistakes *m);
void config_policies_free(struct smtp_config *c);

#endif
