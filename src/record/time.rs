//! Times as RFC 3339 in UTC, with microseconds.

use crate::sys::clock::{self, Moment};

const DAY: u64 = 86_400;

/// `2026-08-22T09:31:07.123456Z`.
pub fn rfc3339(moment: Moment) -> String {
    let (year, month, day) = date(moment.seconds / DAY);
    let second = moment.seconds % DAY;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        moment.nanos / 1000
    )
}

/// The same where the reader is: in the system's time zone, or that of `TZ`.
pub fn rfc3339_local(moment: Moment) -> String {
    rfc3339_east(moment, clock::offset(moment))
}

/// The same in the time of a place that is `offset` seconds east of UTC:
/// `2026-08-22T11:31:07.123456+02:00`.
fn rfc3339_east(moment: Moment, offset: i64) -> String {
    let seconds = moment.seconds.checked_add_signed(offset);
    let (Some(seconds), true) = (seconds, offset != 0) else {
        return rfc3339(moment);
    };
    let there = rfc3339(Moment { seconds, ..moment });
    let minutes = offset.unsigned_abs() / 60;
    format!(
        "{}{}{:02}:{:02}",
        there.trim_end_matches('Z'),
        if offset < 0 { '-' } else { '+' },
        minutes / 60,
        minutes % 60
    )
}

/// Reads what [`rfc3339`] writes, and its shorter forms: a date alone, without seconds, without
/// fraction, with a space for the `T`, with `Z`, an offset or neither (UTC).
pub fn parse_rfc3339(text: &str) -> Option<Moment> {
    let (date_text, rest) = match text.split_once(['T', 't', ' ']) {
        Some((date, rest)) => (date, rest),
        None => (text, "00:00"),
    };
    let mut parts = date_text.splitn(3, '-').map(digits);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let (clock, offset) = offset(rest)?;
    let mut parts = clock.splitn(3, ':');
    let hour = digits(parts.next()?)?;
    let minute = digits(parts.next()?)?;
    let (second, nanos) = match parts.next() {
        Some(text) => seconds(text)?,
        None => (0, 0),
    };
    let in_range = (1970..10_000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    let days = days(year, month, day);
    if !in_range || date(days) != (year, month, day) {
        return None;
    }
    let utc = (days * DAY + hour * 3600 + minute * 60 + second).checked_add_signed(-offset)?;
    Some(Moment {
        seconds: utc,
        nanos,
    })
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

fn seconds(text: &str) -> Option<(u64, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    Some((digits(whole)?, nanos.parse().ok()?))
}

/// Splits a clock time from its offset, given in seconds east of UTC.
fn offset(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = text.rfind(['+', '-']) else {
        return Some((text, 0));
    };
    let (clock, zone) = text.split_at_checked(at)?;
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let seconds = i64::try_from(digits(hours)? * 3600 + digits(minutes)? * 60).ok()?;
    (seconds < 86_400).then_some((clock, sign * seconds))
}

/// Year, month and day of a day number since 1970 (Howard Hinnant's `civil_from_days`).
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The day number since 1970 of a date from 1970 on.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let era = year / 400;
    let year_of_era = year % 400;
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day.saturating_sub(1);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64, nanos: u32) -> Moment {
        Moment { seconds, nanos }
    }

    #[test]
    fn moments_are_written_as_the_calendar_has_them() {
        let cases = [
            (at(0, 0), "1970-01-01T00:00:00.000000Z"),
            (at(951_782_400, 0), "2000-02-29T00:00:00.000000Z"),
            (
                at(1_787_391_067, 123_456_789),
                "2026-08-22T09:31:07.123456Z",
            ),
            (
                at(4_107_542_399, 999_999_999),
                "2100-02-28T23:59:59.999999Z",
            ),
            (at(4_107_542_400, 0), "2100-03-01T00:00:00.000000Z"),
        ];
        for (moment, text) in cases {
            assert_eq!(rfc3339(moment), text);
        }
    }

    #[test]
    fn short_forms_and_offsets_are_understood() {
        let expected = at(1_787_391_060, 0);
        for text in [
            "2026-08-22T09:31:00Z",
            "2026-08-22 09:31",
            "2026-08-22T11:31:00.0+02:00",
            "2026-08-22T04:01-05:30",
        ] {
            assert_eq!(parse_rfc3339(text), Some(expected), "{text}");
        }
        assert_eq!(parse_rfc3339("1970-01-02"), Some(at(86_400, 0)));
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "2026-1-1T25:00",
            "x-y-z",
            "2026-08-22T",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0u64..250_000_000_000, micros in 0u32..1_000_000) {
            let moment = at(seconds, micros * 1000);
            prop_assert_eq!(parse_rfc3339(&rfc3339(moment)), Some(moment));
        }

        #[test]
        fn a_time_with_an_offset_is_the_same_moment(seconds in 100_000u64..250_000_000_000, minutes in -1439i64..1440) {
            let moment = at(seconds, 0);
            prop_assert_eq!(parse_rfc3339(&rfc3339_east(moment, minutes * 60)), Some(moment));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = parse_rfc3339(&text);
        }
    }
}
