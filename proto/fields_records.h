/* What repeats in the lists of messages, or stands in them as a record: a part of the tables of fields.c. */
#ifndef SHEAF_PROTO_FIELDS_RECORDS_H
#define SHEAF_PROTO_FIELDS_RECORDS_H

#include "proto/fields.h"

extern const struct record fields_accepted_record, fields_result_record, fields_job_record, fields_outcome_record,
    fields_progress_record, fields_attempt_record, fields_payload_record, fields_queue_record, fields_worker_record,
    fields_stat_record, fields_running_record, fields_setting_record, fields_dead_record, fields_peek_record,
    fields_cron_record, fields_cron_time_record, fields_range_record, fields_held_record, fields_lease_record,
    fields_number_record, fields_queue_name_record, fields_all_record;
/* fields_topic.c */
extern const struct record fields_credit_record, fields_settle_record, fields_delivery_record, fields_gone_record,
    fields_topic_record;

#endif
