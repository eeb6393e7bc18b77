/* Dates of the Gregorian calendar as numbers of days since 1970-01-01, in both directions. Pure arithmetic, right for
 * every year that 64 bits of seconds can name. */
#ifndef SHEAF_CORE_CIVIL_H
#define SHEAF_CORE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#define DAY_S ((int64_t)86400)

struct civil {
	int64_t year;
	unsigned month; /* 1..12 */
	unsigned day;   /* 1..31 */
};

static inline int64_t civil_floor(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static inline bool civil_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline unsigned civil_month_days(int64_t year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && civil_leap(year) ? 1u : 0u);
}

/* Years are counted from March here, so that the leap day is the last one, and in eras of 400. */
static inline int64_t civil_days(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2), era = civil_floor(y, 400), of_era = y - era * 400;
	int64_t of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static inline struct civil civil_date(int64_t days)
{
	int64_t z = days + 719468, era = civil_floor(z, 146097), day = z - era * 146097;
	int64_t of_era = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t of_year = day - (365 * of_era + of_era / 4 - of_era / 100), m = (5 * of_year + 2) / 153;
	unsigned month = (unsigned)(m < 10 ? m + 3 : m - 9);

	return (struct civil){ era * 400 + of_era + (month <= 2), month, (unsigned)(of_year - (153 * m + 2) / 5 + 1) };
}

/* 0 = Sunday. */
static inline unsigned civil_weekday(int64_t days)
{
	return (unsigned)(days + 4 - civil_floor(days + 4, 7) * 7);
}

#endif
